#ifndef RecoE2E_ParticleViT_ImageDescription_h
#define RecoE2E_ParticleViT_ImageDescription_h

// What the images are that a model was trained on: the same content as ImageSpec in Python and "image" in model.json.

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "RecoE2E/ParticleViT/interface/ImageWindow.h"
#include "RecoE2E/ParticleViT/interface/TensorPacker.h"

namespace particlevit {

  enum class ChannelKind { kEnergy, kMomentum, kTime, kCount };
  enum class Grid { kCrystals, kEtaPhi };
  enum class Tier { kFull, kReduced, kMini, kParticles };
  enum class TrackPosition { kVertex, kEcal, kNone };
  enum class JetSeed { kDepth1, kSum, kNone };

  // The names of an enumeration's values, in their order.
  template <typename Value>
  struct Names;
  template <>
  struct Names<ChannelKind> {
    static constexpr std::array<std::string_view, 4> kAll = {{"energy", "momentum", "time", "count"}};
  };
  template <>
  struct Names<Grid> {
    static constexpr std::array<std::string_view, 2> kAll = {{"crystals", "eta_phi"}};
  };
  template <>
  struct Names<Tier> {
    static constexpr std::array<std::string_view, 4> kAll = {{"full", "reduced", "mini", "particles"}};
  };
  template <>
  struct Names<TrackPosition> {
    static constexpr std::array<std::string_view, 3> kAll = {{"vertex", "ecal", "none"}};
  };
  template <>
  struct Names<JetSeed> {
    static constexpr std::array<std::string_view, 3> kAll = {{"depth1", "sum", "none"}};
  };

  template <typename Value>
  std::string nameOf(Value value) {
    return std::string(Names<Value>::kAll[static_cast<std::size_t>(value)]);
  }

  template <typename Words>
  std::string join(const Words& words) {
    std::string text;
    for (const auto& word : words)
      text.append(text.empty() ? "" : ", ").append(word);
    return "[" + text + "]";
  }

  // Value of an enumeration from its name; `what` says in the error where the name stands.
  template <typename Value>
  Value valueOf(const std::string& name, const std::string& what) {
    const auto& all = Names<Value>::kAll;
    const auto found = std::find(all.begin(), all.end(), name);
    if (found == all.end())
      throw std::invalid_argument(what + " is '" + name + "', expected one of " + join(all));
    return static_cast<Value>(found - all.begin());
  }

  struct Channel {
    std::string name;
    std::string unit;
    ChannelKind kind;
  };

  // A range with both ends; NaN lies outside of each.
  struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();

    bool contains(double value) const { return value >= low && value <= high; }
  };

  // What the training events cover.
  struct Domain {
    Range pt;        // GeV
    Range absEta;    // of the candidate
    Range seedRows;  // of the whole-ECAL image
  };

  struct ImageDescription {
    std::vector<Channel> channels;
    Window window;  // its size, and the seed's cell
    Grid grid;
    double etaHalfWidth = 0.;  // of the grid in eta and phi
    double phiHalfWidth = 0.;
    Tier tier;
    TrackPosition trackPosition;
    JetSeed jetSeed;
    Domain domain;

    ImageShape shape() const { return {static_cast<int>(channels.size()), window.height, window.width}; }
  };

  // One line that two descriptions share if and only if their images are made in the same way.
  inline std::string describe(const ImageDescription& image) {
    std::vector<std::string> channels;
    for (const auto& channel : image.channels)
      channels.push_back(channel.name + " (" + nameOf(channel.kind) + ", " + channel.unit + ")");
    std::ostringstream text;
    text << "channels " << join(channels) << ", " << image.window.height << " x " << image.window.width
         << " with the seed at [" << image.window.seed.row << ", " << image.window.seed.column << "], grid "
         << nameOf(image.grid);
    if (image.grid == Grid::kEtaPhi)
      text << " of half widths " << image.etaHalfWidth << " x " << image.phiHalfWidth;
    text << ", tier " << nameOf(image.tier) << ", track position " << nameOf(image.trackPosition) << ", jet seed "
         << nameOf(image.jetSeed);
    return text.str();
  }

  // Throws unless the collections of a configuration are of the model's tier, or another one is allowed. A model of
  // tier mini drops by itself what MiniAOD would not have.
  inline void requireTier(const ImageDescription& image, Tier configured, bool allowOther) {
    const bool more = image.tier == Tier::kMini && (configured == Tier::kReduced || configured == Tier::kFull);
    if (image.tier != configured && !more && !allowOther)
      throw std::invalid_argument("the model takes hits of tier '" + nameOf(image.tier) +
                                  "', but the configuration gives collections of tier '" + nameOf(configured) +
                                  "'; give collections of that tier (and their tier), or set allow_other_tier");
  }

}  // namespace particlevit

#endif
