#ifndef RecoE2E_ParticleViT_MonitorHistograms_h
#define RecoE2E_ParticleViT_MonitorHistograms_h

// What a job's images and scores look like, as sums that can be added over jobs. ParticleViTMonitor fills and writes
// them; plugins/README.md documents the file.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "RecoE2E/ParticleViT/interface/CandidateStatus.h"
#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"

namespace particlevit {

  // Numbers of values between edges; a bin includes its lower edge. In front and behind: those below and above.
  class Histogram {
  public:
    explicit Histogram(std::vector<double> edges) : edges_(std::move(edges)), contents_(edges_.size() + 1, 0.) {}

    void fill(double value) { ++contents_[std::upper_bound(edges_.begin(), edges_.end(), value) - edges_.begin()]; }

    const std::vector<double>& edges() const { return edges_; }
    const std::vector<double>& contents() const { return contents_; }

  private:
    std::vector<double> edges_;
    std::vector<double> contents_;
  };

  inline std::vector<double> uniformEdges(std::size_t bins, double low, double high) {
    std::vector<double> edges;
    for (std::size_t i = 0; i <= bins; ++i)
      edges.push_back(low + (high - low) * static_cast<double>(i) / static_cast<double>(bins));
    return edges;
  }

  // 0, 1, 2, ... 16, then wider and wider, up to `cells` and the edge behind it.
  inline std::vector<double> occupancyEdges(std::size_t cells) {
    constexpr double kGrowth = 1.189207115002721;  // four bins for a factor of 2
    std::vector<double> edges;
    double next = 0.;
    for (; next <= static_cast<double>(cells); next = next < 16. ? next + 1. : std::round(next * kGrowth))
      edges.push_back(next);
    edges.push_back(static_cast<double>(cells) + 1.);
    return edges;
  }

  // 10^-2 ... 10^5, eight bins per decade, below them zero, and the same with a minus sign if asked for.
  inline std::vector<double> totalEdges(bool withNegative) {
    std::vector<double> positive;
    for (int step = -16; step <= 40; ++step)
      positive.push_back(std::pow(10., step / 8.));
    std::vector<double> edges;
    if (withNegative)
      std::transform(positive.rbegin(), positive.rend(), std::back_inserter(edges), [](double edge) { return -edge; });
    else
      edges.push_back(0.);
    edges.insert(edges.end(), positive.begin(), positive.end());
    return edges;
  }

  // One channel of the images of all candidates that have one.
  struct ChannelHistograms {
    ChannelHistograms(const Channel& channel, std::size_t size)
        : occupancy(occupancyEdges(size)),
          total(totalEdges(channel.kind == ChannelKind::kTime)),
          sums(size, 0.),
          squares(size, 0.),
          cells(size, 0.) {}

    void fill(const float* image) {
      double sum = 0.;
      std::size_t filled = 0;
      for (std::size_t i = 0; i < sums.size(); ++i) {
        const double value = image[i];
        if (value == 0.)
          continue;
        sums[i] += value;
        squares[i] += value * value;
        cells[i] += 1.;
        sum += value;
        ++filled;
      }
      occupancy.fill(static_cast<double>(filled));
      total.fill(sum);
    }

    Histogram occupancy;          // cells of an image that are not 0
    Histogram total;              // sum of an image's cells
    std::vector<double> sums;     // of each cell, row by row
    std::vector<double> squares;  // sums of squares
    std::vector<double> cells;    // images in which the cell is not 0
  };

  class MonitorHistograms {
  public:
    explicit MonitorHistograms(const ModelMetadata& model)
        : shape_(model.image.shape()), scores_(model.classes.size(), Histogram(uniformEdges(100, 0., 1.))) {
      for (const auto& channel : model.image.channels)
        channels_.emplace_back(channel, pixels());
    }

    // One event: the images, one after the other, the candidate of each, the status of each candidate and, for each
    // image, one probability per class. Throws if their numbers do not agree.
    void fill(const std::vector<float>& images,
              const std::vector<int>& candidates,
              const std::vector<int>& status,
              const std::vector<float>& probabilities) {
      const std::size_t count = shape_.count(images.size());
      if (candidates.size() != count)
        throw std::length_error(std::to_string(count) + " images of " + std::to_string(candidates.size()) +
                                " candidates, expected one each");
      for (const int value : finalStatus(status, candidates, probabilities, scores_.size())) {
        status_.fill(value);
        scored_ += value == static_cast<int>(Status::kScored) ? 1. : 0.;
      }
      for (std::size_t i = 0; i < count; ++i)
        fillImage(images.data() + i * shape_.size(), probabilities.data() + i * scores_.size());
      events_ += 1.;
      candidates_.fill(static_cast<double>(status.size()));
      images_.fill(static_cast<double>(count));
      allCandidates_ += static_cast<double>(status.size());
      allImages_ += static_cast<double>(count);
    }

    // Events, candidates, images, scored.
    std::vector<double> counts() const { return {events_, allCandidates_, allImages_, scored_}; }
    const Histogram& candidates() const { return candidates_; }
    const Histogram& images() const { return images_; }
    const Histogram& status() const { return status_; }
    const std::vector<Histogram>& scores() const { return scores_; }
    const std::vector<ChannelHistograms>& channels() const { return channels_; }

  private:
    std::size_t pixels() const { return static_cast<std::size_t>(shape_.height) * shape_.width; }

    void fillImage(const float* image, const float* probabilities) {
      for (std::size_t c = 0; c < channels_.size(); ++c)
        channels_[c].fill(image + c * pixels());
      if (!isScore(probabilities, scores_.size()))
        return;
      const double largest = std::nextafter(1., 0.);  // 1 itself belongs into the last bin
      for (std::size_t k = 0; k < scores_.size(); ++k)
        scores_[k].fill(std::min(static_cast<double>(probabilities[k]), largest));
    }

    ImageShape shape_;
    std::vector<Histogram> scores_;
    std::vector<ChannelHistograms> channels_;
    Histogram candidates_{uniformEdges(64, -0.5, 63.5)};
    Histogram images_{uniformEdges(64, -0.5, 63.5)};
    Histogram status_{uniformEdges(Names<Status>::kAll.size(), -0.5, Names<Status>::kAll.size() - 0.5)};
    double events_ = 0., allCandidates_ = 0., allImages_ = 0., scored_ = 0.;
  };

}  // namespace particlevit

#endif
