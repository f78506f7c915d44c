#ifndef RecoE2E_ParticleViT_JetImageMaker_h
#define RecoE2E_ParticleViT_JetImageMaker_h

// Tracks, ECAL and HCAL hits -> images around jets, in crystals, as a model's description asks.

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "RecoE2E/ParticleViT/interface/EventImages.h"
#include "RecoE2E/ParticleViT/interface/SeedFinder.h"

namespace particlevit {

  struct JetHits {
    std::vector<Track> tracks;
    std::vector<BarrelHit> barrel;
    std::vector<EndcapHit> endcap;
    std::vector<TowerHit> towers;
  };

  struct JetImageOptions {
    float minTrackPt = 0.5f;  // GeV; a track must be above it
    float endcapScale = 1.f;  // of the energies of endcap hits; public image files have about 1/4
  };

  class JetImageMaker {
  public:
    enum Channel : std::size_t { kTracks, kEcal, kHcal };

    // Throws if the model's images are not made of tracks, ECAL and HCAL hits around a tower.
    JetImageMaker(const ImageDescription& image, const JetImageOptions& options)
        : options_(options),
          domain_(image.domain),
          byDepth1_(image.jetSeed == JetSeed::kDepth1),
          cutter_(image, kEcalRows, 0),
          detector_(kKnown.size(), {kEcalRows, kEcalColumns}),
          towers_(kHBHERows, kHBHEColumns),
          highestDepth1_(kHBHERows, kHBHEColumns),
          channels_(chooseChannels(image, kKnown)) {
      for (const auto channel : channels_)
        layers_.push_back(&detector_[channel]);
      if (image.jetSeed == JetSeed::kNone)
        throw std::invalid_argument("the model has " + describe(image) + "; jets need a seed: depth1 or sum");
      if (image.trackPosition != TrackPosition::kVertex && uses(kTracks))
        throw std::invalid_argument("the model has " + describe(image) +
                                    "; tracks are put where they point at the vertex");
    }
    JetImageMaker(const JetImageMaker&) = delete;  // layers_ points into detector_
    JetImageMaker& operator=(const JetImageMaker&) = delete;

    // Whether the model has this channel. Towers are always needed: they seed the jets.
    bool uses(Channel channel) const { return std::count(channels_.begin(), channels_.end(), channel) > 0; }

    // Images around the highest tower near each jet's axis; `getHits()`, which gives JetHits, is called only if needed.
    template <typename GetHits>
    EventImages make(const std::vector<Candidate>& jets, GetHits&& getHits) {
      return makeEventImages(
          domain_,
          jets,
          [&] { fill(getHits()); },
          [this](const Candidate& jet, std::vector<float>& images) {
            const auto axis = hbheCellOf(jet.eta, jet.phi);
            if (!axis)
              return Status::kNoSeed;
            const Cell tower = findJetSeed(byDepth1_ ? highestDepth1_ : towers_, *axis);
            return cutter_.cut(layers_, centreOfTower(tower), images);
          });
    }

    // Hits so far whose crystal or tower does not exist; they are left out.
    unsigned long long unknownHits() const { return unknownHits_; }

  private:
    static constexpr std::array<KnownChannel, 3> kKnown = {{{"tracks", ChannelKind::kMomentum, "GeV"},
                                                            {"ecal", ChannelKind::kEnergy, "GeV"},
                                                            {"hcal", ChannelKind::kEnergy, "GeV"}}};

    // Hits with an energy of 0 or below are noise and left out. NaN is kept: it must be seen.
    void fill(const JetHits& hits) {
      fillTowers(hits.towers);
      for (const auto channel : {kTracks, kEcal})
        detector_[channel].clear();
      if (uses(kTracks))
        for (const auto& track : hits.tracks)
          if (!(track.pt <= options_.minTrackPt))
            if (const auto cell = ecalCellOf(track.eta, track.phi))
              detector_[kTracks].add(*cell, track.pt);
      if (uses(kEcal))
        fillEcal(hits.barrel, hits.endcap);
      if (uses(kHcal))
        upsampleTowers(towers_, detector_[kHcal]);
    }

    void fillEcal(const std::vector<BarrelHit>& barrel, const std::vector<EndcapHit>& endcap) {
      for (const auto& hit : barrel) {
        if (!isBarrelCrystal(hit.ieta, hit.iphi))
          ++unknownHits_;
        else if (!(hit.energy <= 0.f))
          detector_[kEcal].set(ecalCell(hit.ieta, hit.iphi), hit.energy);
      }
      for (const auto& hit : endcap)
        if (const auto cell = ecalCellOf(hit.eta, hit.phi); cell && !(hit.energy <= 0.f))
          detector_[kEcal].add(*cell, hit.energy * options_.endcapScale);
        else if (!std::isfinite(hit.eta))
          ++unknownHits_;
    }

    void fillTowers(const std::vector<TowerHit>& hits) {
      towers_.clear();
      highestDepth1_.clear();
      for (const auto& hit : hits) {
        if (!isTower(hit.ieta, hit.iphi)) {
          ++unknownHits_;
          continue;
        }
        if (hit.energy <= 0.f)
          continue;
        const int columns = isCoarseTower(hit.ieta) ? 2 : 1;
        const float share = hit.energy / static_cast<float>(columns);
        for (int column = 0; column < columns; ++column) {
          const Cell cell = hbheCell(hit.ieta, hit.iphi + column);
          towers_.add(cell, share);
          if (hit.depth == 1)
            highestDepth1_.raise(cell, hit.energy);
        }
      }
    }

    JetImageOptions options_;
    Domain domain_;
    bool byDepth1_;
    WindowCutter cutter_;
    std::vector<DetectorImage> detector_;  // one per known channel, in crystals
    DetectorImage towers_;
    DetectorImage highestDepth1_;  // without the sharing of wide towers
    std::vector<std::size_t> channels_;
    std::vector<const DetectorImage*> layers_;
    unsigned long long unknownHits_ = 0;
  };

}  // namespace particlevit

#endif
