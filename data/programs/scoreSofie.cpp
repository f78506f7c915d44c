// Scores images with the code that SOFIE wrote from an exported model; see score.h for the arguments.
// SOFIE_CODE is that code, SOFIE_SPACE the namespace in it; the code takes one image per call.

#include SOFIE_CODE

#include <algorithm>

#include "score.h"

namespace {
  class SofieModel {
  public:
    SofieModel(const std::string&, const particlevit::ModelMetadata& metadata)
        : size_(metadata.image.shape().size()), classes_(metadata.classes.size()) {}

    const std::vector<float>& run(std::vector<float>& tensor, std::int64_t images) {
      scores_.resize(static_cast<std::size_t>(images) * classes_);
      for (std::size_t i = 0; i < static_cast<std::size_t>(images); ++i) {
        const auto found = session_.infer(tensor.data() + i * size_);
        std::copy_n(found.begin(), classes_, scores_.begin() + static_cast<std::ptrdiff_t>(i * classes_));
      }
      return scores_;
    }

  private:
    std::size_t size_, classes_;
    SOFIE_SPACE::Session session_;
    std::vector<float> scores_;
  };
}  // namespace

int main(int argc, char** argv) {
  return particlevit::test::scoreFile<SofieModel>(argc, argv);
}
