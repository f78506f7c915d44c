// Images -> probabilities with ONNX Runtime; on a CPU one session per job, shared by all streams.

#include <cstdint>
#include <string>
#include <vector>

#include "FWCore/Framework/interface/MakerMacros.h"
#include "FWCore/Utilities/interface/StreamID.h"
#include "RecoE2E/ParticleViT/plugins/OnnxSessions.h"
#include "RecoE2E/ParticleViT/plugins/ScoringProducer.h"

namespace particlevit {

  class OnnxBackend {
  public:
    OnnxBackend(const std::string& path, const ModelMetadata& metadata, const std::string& backend)
        : sessions_(path, backend), inputs_{metadata.input}, outputs_{metadata.output} {}

    class Stream {
    public:
      Stream(const OnnxBackend& backend, edm::StreamID stream)
          : session_(backend.sessions_.get(stream)), backend_(backend), values_(1) {}

      const std::vector<float>& run(std::vector<float>& tensor, std::int64_t images) {
        values_[0].swap(tensor);
        onnx::run(session_, backend_.inputs_, values_, backend_.outputs_, scores_, images);
        values_[0].swap(tensor);
        return scores_.at(0);
      }

    private:
      const cms::Ort::ONNXRuntime& session_;
      const OnnxBackend& backend_;
      cms::Ort::FloatArrays values_;
      cms::Ort::FloatArrays scores_;
    };

  private:
    onnx::Sessions sessions_;
    std::vector<std::string> inputs_;
    std::vector<std::string> outputs_;
  };

}  // namespace particlevit

using ParticleViTONNXProducer = particlevit::ScoringProducer<particlevit::OnnxBackend>;

DEFINE_FWK_MODULE(ParticleViTONNXProducer);
