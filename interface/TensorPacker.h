#ifndef RecoE2E_ParticleViT_TensorPacker_h
#define RecoE2E_ParticleViT_TensorPacker_h

// Images of an event -> batches for the network -> probabilities, in buffers that are used again.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace particlevit {

  constexpr float kNoScore = -1.f;  // probability of a candidate that cannot be scored

  struct ImageShape {
    int channels;
    int height;
    int width;

    std::size_t size() const { return static_cast<std::size_t>(channels) * height * width; }

    // Number of images in a flat vector of `values` floats.
    std::size_t count(std::size_t values) const {
      if (size() == 0 || values % size() != 0)
        throw std::length_error("images of " + std::to_string(values) + " values, expected a multiple of " +
                                std::to_string(channels) + " x " + std::to_string(height) + " x " +
                                std::to_string(width) + " = " + std::to_string(size()));
      return values / size();
    }
  };

  // Collects up to `capacity` images in one contiguous tensor and leaves out those with NaN or infinite values.
  class TensorPacker {
  public:
    TensorPacker(const ImageShape& shape, std::size_t capacity) : imageSize_(shape.size()), capacity_(capacity) {
      if (imageSize_ == 0 || capacity == 0)
        throw std::invalid_argument("a tensor needs at least one value per image and one image per call");
    }

    void clear() {
      tensor_.clear();
      indices_.clear();
    }

    // Appends the image unless a value is not finite; returns whether it did.
    bool add(const float* image, std::size_t index) {
      if (!std::all_of(image, image + imageSize_, [](float value) { return std::isfinite(value); }))
        return false;
      tensor_.insert(tensor_.end(), image, image + imageSize_);
      indices_.push_back(index);
      return true;
    }

    bool empty() const { return indices_.empty(); }
    bool full() const { return indices_.size() >= capacity_; }
    std::size_t size() const { return indices_.size(); }
    std::vector<float>& tensor() { return tensor_; }
    const std::vector<std::size_t>& indices() const { return indices_; }

  private:
    std::size_t imageSize_;
    std::size_t capacity_;
    std::vector<float> tensor_;
    std::vector<std::size_t> indices_;
  };

  // Scores all images of an event in calls of at most the packer's capacity; none is made when there is nothing to
  // score. `run(tensor, images)` returns the flat probabilities of a batch. Images that are not finite get kNoScore.
  // Returns the number of those.
  template <typename Run>
  std::size_t scoreImages(const std::vector<float>& images,
                          const ImageShape& shape,
                          std::size_t classes,
                          TensorPacker& packer,
                          Run&& run,
                          std::vector<float>& probabilities) {
    const std::size_t count = shape.count(images.size());
    probabilities.assign(count * classes, kNoScore);
    std::size_t skipped = 0;
    for (std::size_t next = 0; next < count;) {
      packer.clear();
      for (; next < count && !packer.full(); ++next)
        skipped += packer.add(images.data() + next * shape.size(), next) ? 0 : 1;
      if (packer.empty())
        continue;
      const auto& scores = run(packer.tensor(), static_cast<std::int64_t>(packer.size()));
      if (scores.size() != packer.size() * classes)
        throw std::length_error("the model returned " + std::to_string(scores.size()) + " values for " +
                                std::to_string(packer.size()) + " images, expected " + std::to_string(classes) +
                                " classes each");
      for (std::size_t i = 0; i < packer.size(); ++i)
        std::copy_n(scores.begin() + i * classes, classes, probabilities.begin() + packer.indices()[i] * classes);
    }
    return skipped;
  }

}  // namespace particlevit

#endif
