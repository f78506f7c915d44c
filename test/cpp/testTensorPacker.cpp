#include "catch.h"

#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "RecoE2E/ParticleViT/interface/TensorPacker.h"

using namespace particlevit;

namespace {
  constexpr ImageShape kShape{2, 2, 3};  // 12 values

  // Scores an image with (first value, -first value) and remembers the sizes of the batches.
  struct FirstValue {
    std::vector<std::int64_t> batches;
    std::vector<float> operator()(const std::vector<float>& tensor, std::int64_t images) {
      batches.push_back(images);
      std::vector<float> scores;
      for (std::int64_t i = 0; i < images; ++i) {
        scores.push_back(tensor[i * kShape.size()]);
        scores.push_back(-tensor[i * kShape.size()]);
      }
      return scores;
    }
  };

  std::vector<float> numbered(std::size_t images) {
    std::vector<float> values(images * kShape.size());
    for (std::size_t i = 0; i < images; ++i)
      values[i * kShape.size()] = static_cast<float>(i);
    return values;
  }
}  // namespace

TEST_CASE("All images are scored in order, in calls of the given size", "[TensorPacker]") {
  TensorPacker packer(kShape, 4);
  std::vector<float> probabilities;
  FirstValue run;
  CHECK(scoreImages(numbered(10), kShape, 2, packer, run, probabilities) == 0);
  CHECK(run.batches == std::vector<std::int64_t>{4, 4, 2});
  for (int i = 0; i < 10; ++i)
    CHECK((probabilities[2 * i] == i && probabilities[2 * i + 1] == -i));
}

TEST_CASE("Nothing runs without candidates", "[TensorPacker]") {
  TensorPacker packer(kShape, 4);
  std::vector<float> probabilities(3, 1.f);
  FirstValue run;
  CHECK(scoreImages({}, kShape, 2, packer, run, probabilities) == 0);
  CHECK(run.batches.empty());
  CHECK(probabilities.empty());
}

TEST_CASE("Images with NaN or infinity get no score, and do not spoil the others", "[TensorPacker]") {
  auto images = numbered(5);
  images[1 * kShape.size() + 11] = std::numeric_limits<float>::quiet_NaN();
  images[4 * kShape.size() + 3] = -std::numeric_limits<float>::infinity();
  TensorPacker packer(kShape, 2);
  std::vector<float> probabilities;
  FirstValue run;
  CHECK(scoreImages(images, kShape, 2, packer, run, probabilities) == 2);
  CHECK(run.batches == std::vector<std::int64_t>{2, 1});
  CHECK(probabilities == std::vector<float>{0, -0.f, kNoScore, kNoScore, 2, -2, 3, -3, kNoScore, kNoScore});
}

TEST_CASE("Only unusable images: nothing runs", "[TensorPacker]") {
  std::vector<float> images(2 * kShape.size(), std::numeric_limits<float>::quiet_NaN());
  TensorPacker packer(kShape, 8);
  std::vector<float> probabilities;
  FirstValue run;
  CHECK(scoreImages(images, kShape, 2, packer, run, probabilities) == 2);
  CHECK(run.batches.empty());
  CHECK(probabilities == std::vector<float>(4, kNoScore));
}

TEST_CASE("Buffers are used again", "[TensorPacker]") {
  TensorPacker packer(kShape, 4);
  std::vector<float> probabilities;
  FirstValue run;
  scoreImages(numbered(4), kShape, 2, packer, run, probabilities);
  const float* tensor = packer.tensor().data();
  scoreImages(numbered(4), kShape, 2, packer, run, probabilities);
  CHECK(packer.tensor().data() == tensor);
}

TEST_CASE("Wrong lengths are refused with both numbers", "[TensorPacker]") {
  TensorPacker packer(kShape, 4);
  std::vector<float> probabilities;
  FirstValue run;
  CHECK_THROWS_WITH(scoreImages(std::vector<float>(13), kShape, 2, packer, run, probabilities),
                    "images of 13 values, expected a multiple of 2 x 2 x 3 = 12");
  CHECK_THROWS_WITH(scoreImages(numbered(2), kShape, 3, packer, run, probabilities),
                    "the model returned 4 values for 2 images, expected 3 classes each");
  CHECK_THROWS_AS(TensorPacker(kShape, 0), std::invalid_argument);
  CHECK_THROWS_AS(TensorPacker(ImageShape{0, 2, 2}, 1), std::invalid_argument);
}
