// Images -> probabilities with libtorch; a scripted module is not const, so each stream has its own copy.

#include <cstdint>
#include <string>
#include <vector>

#include "RecoE2E/ParticleViT/plugins/libtorch.h"

#include "FWCore/Framework/interface/MakerMacros.h"
#include "RecoE2E/ParticleViT/plugins/ScoringProducer.h"

namespace particlevit {

  class TorchBackend {
  public:
    TorchBackend(const std::string& path, const ModelMetadata& metadata)
        : module_(torch::jit::load(path, torch::kCPU)), shape_(metadata.image.shape()) {
      module_.eval();
    }

    class Stream {
    public:
      explicit Stream(const TorchBackend& backend) : shape_(backend.shape_), module_(backend.module_.clone()) {}

      const std::vector<float>& run(std::vector<float>& tensor, std::int64_t images) {
        if (at::get_num_threads() != 1)
          at::set_num_threads(1);  // holds for the calling thread, which is the framework's to choose
        const c10::InferenceMode inference;
        const auto input =
            torch::from_blob(tensor.data(), {images, shape_.channels, shape_.height, shape_.width}, torch::kFloat32);
        const auto output = module_.forward({input}).toTensor().contiguous();
        scores_.assign(output.data_ptr<float>(), output.data_ptr<float>() + output.numel());
        return scores_;
      }

    private:
      const ImageShape shape_;
      torch::jit::script::Module module_;
      std::vector<float> scores_;
    };

  private:
    torch::jit::script::Module module_;
    ImageShape shape_;
  };

}  // namespace particlevit

using ParticleViTTorchProducer = particlevit::ScoringProducer<particlevit::TorchBackend>;

DEFINE_FWK_MODULE(ParticleViTTorchProducer);
