// Scores images with an exported model in ONNX Runtime, without CMSSW; see score.h for the arguments.

#include <onnxruntime_cxx_api.h>

#include <utility>

#include "score.h"

namespace {
  class OnnxModel {
  public:
    OnnxModel(const std::string& path, particlevit::ModelMetadata metadata)
        : metadata_(std::move(metadata)), session_(environment_, path.c_str(), singleThread()) {}

    const std::vector<float>& run(std::vector<float>& tensor, std::int64_t images) {
      const auto shape = metadata_.image.shape();
      const std::int64_t inputShape[] = {images, shape.channels, shape.height, shape.width};
      const std::int64_t outputShape[] = {images, static_cast<std::int64_t>(metadata_.classes.size())};
      scores_.resize(static_cast<std::size_t>(outputShape[0] * outputShape[1]));
      const auto input = Ort::Value::CreateTensor<float>(memory_, tensor.data(), tensor.size(), inputShape, 4);
      auto output = Ort::Value::CreateTensor<float>(memory_, scores_.data(), scores_.size(), outputShape, 2);
      const char* inputName = metadata_.input.c_str();
      const char* outputName = metadata_.output.c_str();
      session_.Run(Ort::RunOptions{nullptr}, &inputName, &input, 1, &outputName, &output, 1);
      return scores_;
    }

  private:
    static Ort::SessionOptions singleThread() {
      Ort::SessionOptions options;
      options.SetIntraOpNumThreads(1);
      options.SetInterOpNumThreads(1);
      return options;
    }

    particlevit::ModelMetadata metadata_;
    Ort::Env environment_{ORT_LOGGING_LEVEL_ERROR, "scoreOnnx"};
    Ort::Session session_;
    Ort::MemoryInfo memory_ = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    std::vector<float> scores_;
  };
}  // namespace

int main(int argc, char** argv) {
  return particlevit::test::scoreFile<OnnxModel>(argc, argv);
}
