#ifndef RecoE2E_ParticleViT_EventImages_h
#define RecoE2E_ParticleViT_EventImages_h

// The images of an event's candidates, and the steps that electrons, photons and jets share.

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "RecoE2E/ParticleViT/interface/CandidateStatus.h"

namespace particlevit {

  struct EventImages {
    std::vector<float> images;    // one after the other: channel, row, column
    std::vector<int> candidates;  // of each image, its candidate
    std::vector<int> status;      // of each candidate; only those that are scored have an image
  };

  // A channel that a maker can fill; without a name any name will do.
  struct KnownChannel {
    std::string_view name;
    ChannelKind kind;
    std::string_view unit;
  };

  // Position in `known` of each channel of the model.
  // Throws if one is unknown, of another kind or unit, or the same as another.
  template <std::size_t N>
  std::vector<std::size_t> chooseChannels(const ImageDescription& image, const std::array<KnownChannel, N>& known) {
    std::vector<std::size_t> chosen;
    for (const auto& channel : image.channels) {
      const auto found = std::find_if(known.begin(), known.end(), [&channel](const KnownChannel& one) {
        return one.kind == channel.kind && one.unit == channel.unit && (one.name.empty() || one.name == channel.name);
      });
      const auto index = static_cast<std::size_t>(found - known.begin());
      if (found == known.end() || std::count(chosen.begin(), chosen.end(), index) > 0) {
        std::array<std::string, N> all;
        std::transform(known.begin(), known.end(), all.begin(), [](const KnownChannel& one) {
          return std::string(one.name) + (one.name.empty() ? "(" : " (") + nameOf(one.kind) + ", " +
                 std::string(one.unit) + ")";
        });
        throw std::invalid_argument("the model has " + describe(image) + ", and " + channel.name +
                                    " cannot be filled from these hits, which give each of " + join(all) + " once");
      }
      chosen.push_back(index);
    }
    return chosen;
  }

  // Cuts the windows of candidates out of the detector images of all channels.
  class WindowCutter {
  public:
    // The images have `rows` rows, the first of which is row `firstRow` of the whole ECAL.
    WindowCutter(const ImageDescription& image, int rows, int firstRow)
        : window_(image.window), seedRows_(image.domain.seedRows), rows_(rows), firstRow_(firstRow) {
      if (image.grid != Grid::kCrystals)
        throw std::invalid_argument("the model has " + describe(image) + "; hits make images in the grid of crystals");
    }

    // Appends one window per layer to `images` and returns kScored, or says why there is none.
    Status cut(const std::vector<const DetectorImage*>& layers, const Cell& seed, std::vector<float>& images) const {
      if (!seedRows_.contains(seed.row + firstRow_))
        return Status::kSeedRow;
      if (!window_.inside(seed.row, rows_))
        return Status::kWindow;
      const std::size_t start = images.size();
      images.resize(start + layers.size() * window_.size());
      float* out = images.data() + start;
      for (const auto* layer : layers) {
        cropWindow(*layer, seed, window_, out);
        out += window_.size();
      }
      if (std::all_of(images.begin() + start, images.end(), [](float value) { return std::isfinite(value); }))
        return Status::kScored;
      images.resize(start);
      return Status::kNotFinite;
    }

  private:
    Window window_;
    Range seedRows_;
    int rows_;
    int firstRow_;
  };

  // Makes the image of each candidate in turn. `fill()` is called once, and only if there is a candidate within the
  // domain; `cut(candidate, images)` appends an image and returns the status.
  template <typename Fill, typename Cut>
  EventImages makeEventImages(const Domain& domain, const std::vector<Candidate>& candidates, Fill&& fill, Cut&& cut) {
    EventImages event;
    bool filled = false;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      Status status = selection(domain, candidates[i]);
      if (status == Status::kScored) {
        if (!filled)
          fill();
        filled = true;
        status = cut(candidates[i], event.images);
      }
      if (status == Status::kScored)
        event.candidates.push_back(static_cast<int>(i));
      event.status.push_back(static_cast<int>(status));
    }
    return event;
  }

}  // namespace particlevit

#endif
