#ifndef RecoE2E_ParticleViT_EcalCropMaker_h
#define RecoE2E_ParticleViT_EcalCropMaker_h

// Hits of the ECAL barrel -> images of energy and time around photons and electrons, as a model's description asks.

#include <array>
#include <vector>

#include "RecoE2E/ParticleViT/interface/EventImages.h"
#include "RecoE2E/ParticleViT/interface/SeedFinder.h"

namespace particlevit {

  class EcalCropMaker {
  public:
    // Throws if the model's images are not made of barrel hits.
    explicit EcalCropMaker(const ImageDescription& image)
        : domain_(image.domain), cutter_(image, kEBRows, kEERows), detector_(2, {kEBRows, kEcalColumns}) {
      constexpr std::array<KnownChannel, 2> kKnown = {
          {{"", ChannelKind::kEnergy, "GeV"}, {"", ChannelKind::kTime, "ns"}}};
      for (const auto channel : chooseChannels(image, kKnown))
        layers_.push_back(&detector_[channel]);
      if (image.jetSeed != JetSeed::kNone)
        throw std::invalid_argument("the model has " + describe(image) + ": images of jets, not of ECAL crops");
    }
    EcalCropMaker(const EcalCropMaker&) = delete;  // layers_ points into detector_
    EcalCropMaker& operator=(const EcalCropMaker&) = delete;

    // Images around the highest crystal of each candidate; `getHits()`, a vector of BarrelHit, is called only if
    // needed.
    template <typename GetHits>
    EventImages make(const std::vector<Candidate>& candidates, GetHits&& getHits) {
      return makeEventImages(
          domain_,
          candidates,
          [&] { fill(getHits()); },
          [this](const Candidate& candidate, std::vector<float>& images) {
            const auto seed = findSeed(candidate);
            return seed ? cutter_.cut(layers_, *seed, images) : Status::kNoSeed;
          });
    }

    // Hits so far whose crystal does not exist; they are left out.
    unsigned long long unknownHits() const { return unknownHits_; }

  private:
    // Hits with an energy of 0 or below are noise and left out, their times, too. NaN is kept: it must be seen.
    void fill(const std::vector<BarrelHit>& hits) {
      for (auto& image : detector_)
        image.clear();
      for (const auto& hit : hits) {
        if (!isBarrelCrystal(hit.ieta, hit.iphi)) {
          ++unknownHits_;
          continue;
        }
        if (hit.energy <= 0.f)
          continue;
        const Cell cell = ebCell(hit.ieta, hit.iphi);
        detector_[0].set(cell, hit.energy);
        detector_[1].set(cell, hit.time);
      }
    }

    std::optional<Cell> findSeed(const Candidate& candidate) const {
      HighestHit highest;
      for (const auto& crystal : candidate.crystals)
        if (isBarrelCrystal(crystal.ieta, crystal.iphi)) {
          const Cell cell = ebCell(crystal.ieta, crystal.iphi);
          highest.consider(cell, detector_[0].at(cell));
        }
      return highest.cell();
    }

    Domain domain_;
    WindowCutter cutter_;
    std::vector<DetectorImage> detector_;  // energy, time
    std::vector<const DetectorImage*> layers_;
    unsigned long long unknownHits_ = 0;
  };

}  // namespace particlevit

#endif
