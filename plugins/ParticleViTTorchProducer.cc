// Images -> probabilities with libtorch; a scripted module is not const, so each stream has its own.

#include <cstdint>
#include <string>
#include <vector>

#include "RecoE2E/ParticleViT/plugins/libtorch.h"

#include "FWCore/Framework/interface/MakerMacros.h"
#include "FWCore/MessageLogger/interface/MessageLogger.h"
#include "FWCore/Utilities/interface/StreamID.h"
#include "RecoE2E/ParticleViT/interface/BackendChoice.h"
#include "RecoE2E/ParticleViT/plugins/ScoringProducer.h"

namespace particlevit {

#ifdef PARTICLEVIT_CMS_TORCH
  using TorchModel = cms::torch::Model;

  inline TorchModel loadTorch(const std::string& path, torch::Device device) {
    return TorchModel(path, device);
  }

  // PyTorchService limits both kinds of threads, and libtorch refuses a second call.
  inline bool limitSharedThreads() {
    if (at::get_num_interop_threads() != 1)
      edm::LogWarning("ParticleViT") << "libtorch may start " << at::get_num_interop_threads()
                                     << " threads; load RecoE2E.ParticleViT.particleViTServices_cff";
    return true;
  }
#else
  using TorchModel = torch::jit::script::Module;

  inline TorchModel loadTorch(const std::string& path, torch::Device device) {
    auto model = torch::jit::load(path, device);
    model.eval();
    return model;
  }

  // Threads between operators; libtorch refuses to change their number once it has started them.
  inline bool limitSharedThreads() {
    try {
      if (at::get_num_interop_threads() != 1)
        at::set_num_interop_threads(1);
    } catch (const c10::Error&) {
      edm::LogWarning("ParticleViT") << "libtorch has started " << at::get_num_interop_threads()
                                     << " threads before ParticleViT could limit them to 1";
    }
    return true;
  }
#endif

  inline std::string whyNotTorch(BackendChoice choice) {
    if (choice == BackendChoice::kRocm)
      return "ParticleViTTorchProducer runs on [cpu, cuda] only; set it to one of these or to auto";
    return choice != BackendChoice::kCuda || at::hasCUDA() ? "" : "libtorch finds no GPU; set it to cpu or auto";
  }

  class TorchBackend {
  public:
    TorchBackend(const std::string& path, const ModelMetadata& metadata, const std::string& backend)
        : path_(path),
          device_(chooseBackend(backend, whyNotTorch) == BackendChoice::kCuda ? torch::kCUDA : torch::kCPU),
          shape_(metadata.image.shape()) {}

    class Stream {
    public:
      Stream(const TorchBackend& backend, edm::StreamID)
          : shape_(backend.shape_), device_(backend.device_), model_(loadTorch(backend.path_, backend.device_)) {}

      const std::vector<float>& run(std::vector<float>& tensor, std::int64_t images) {
        [[maybe_unused]] static const bool limited = limitSharedThreads();  // by the first call of the process
        if (at::get_num_threads() != 1)
          at::set_num_threads(1);  // holds for the calling thread, which is the framework's to choose
        const c10::InferenceMode inference;
        std::vector<torch::IValue> inputs = {
            torch::from_blob(tensor.data(), {images, shape_.channels, shape_.height, shape_.width}, torch::kFloat32)
                .to(device_)};
        const auto output = model_.forward(inputs).toTensor().to(torch::kCPU).contiguous();
        scores_.assign(output.data_ptr<float>(), output.data_ptr<float>() + output.numel());
        return scores_;
      }

    private:
      const ImageShape shape_;
      const torch::Device device_;
      TorchModel model_;
      std::vector<float> scores_;
    };

  private:
    std::string path_;
    torch::Device device_;
    ImageShape shape_;
  };

}  // namespace particlevit

using ParticleViTTorchProducer = particlevit::ScoringProducer<particlevit::TorchBackend>;

DEFINE_FWK_MODULE(ParticleViTTorchProducer);
