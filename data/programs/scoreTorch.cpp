// Scores images with an exported TorchScript model in libtorch, without CMSSW; see score.h for the arguments.

#include <ATen/Parallel.h>
#include <torch/script.h>

#include "score.h"

namespace {
  class TorchModel {
  public:
    TorchModel(const std::string& path, const particlevit::ModelMetadata& metadata)
        : shape_(metadata.image.shape()), module_((at::set_num_threads(1), torch::jit::load(path, torch::kCPU))) {
      module_.eval();
    }

    const std::vector<float>& run(std::vector<float>& tensor, std::int64_t images) {
      const c10::InferenceMode inference;
      const auto input =
          torch::from_blob(tensor.data(), {images, shape_.channels, shape_.height, shape_.width}, torch::kFloat32);
      const auto output = module_.forward({input}).toTensor().contiguous();
      scores_.assign(output.data_ptr<float>(), output.data_ptr<float>() + output.numel());
      return scores_;
    }

  private:
    particlevit::ImageShape shape_;
    torch::jit::script::Module module_;
    std::vector<float> scores_;
  };
}  // namespace

int main(int argc, char** argv) {
  return particlevit::test::scoreFile<TorchModel>(argc, argv);
}
