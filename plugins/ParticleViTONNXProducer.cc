// Images -> probabilities with ONNX Runtime; one session per job, shared by all streams.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "FWCore/Framework/interface/MakerMacros.h"
#include "PhysicsTools/ONNXRuntime/interface/ONNXRuntime.h"
#include "RecoE2E/ParticleViT/plugins/ScoringProducer.h"

namespace particlevit {

  class OnnxBackend {
  public:
    OnnxBackend(const std::string& path, const ModelMetadata& metadata)
        : session_(std::make_unique<const cms::Ort::ONNXRuntime>(path)),
          inputs_{metadata.input},
          outputs_{metadata.output} {}

    class Stream {
    public:
      explicit Stream(const OnnxBackend& backend) : backend_(backend), values_(1) {}

      const std::vector<float>& run(std::vector<float>& tensor, std::int64_t images) {
        values_[0].swap(tensor);
        scores_ = backend_.session_->run(backend_.inputs_, values_, {}, backend_.outputs_, images);
        values_[0].swap(tensor);
        return scores_.at(0);
      }

    private:
      const OnnxBackend& backend_;
      cms::Ort::FloatArrays values_;
      cms::Ort::FloatArrays scores_;
    };

  private:
    std::unique_ptr<const cms::Ort::ONNXRuntime> session_;
    std::vector<std::string> inputs_;
    std::vector<std::string> outputs_;
  };

}  // namespace particlevit

using ParticleViTONNXProducer = particlevit::ScoringProducer<particlevit::OnnxBackend>;

DEFINE_FWK_MODULE(ParticleViTONNXProducer);
