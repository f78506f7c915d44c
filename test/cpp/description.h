#ifndef RecoE2E_ParticleViT_test_description_h
#define RecoE2E_ParticleViT_test_description_h

// Image descriptions for the tests of the makers.

#include "RecoE2E/ParticleViT/interface/ImageDescription.h"

namespace particlevit::test {

  inline ImageDescription cropDescription() {
    ImageDescription image{};
    image.channels = {{"energy", "GeV", ChannelKind::kEnergy}, {"time", "ns", ChannelKind::kTime}};
    image.window = {32, 32, {16, 16}};
    image.grid = Grid::kCrystals;
    image.tier = Tier::kReduced;
    image.trackPosition = TrackPosition::kNone;
    image.jetSeed = JetSeed::kNone;
    image.domain = {{10., 1000.}, {0., 1.44}, {71., 208.}};
    return image;
  }

  inline ImageDescription jetDescription() {
    ImageDescription image{};
    image.channels = {{"tracks", "GeV", ChannelKind::kMomentum},
                      {"ecal", "GeV", ChannelKind::kEnergy},
                      {"hcal", "GeV", ChannelKind::kEnergy}};
    image.window = {125, 125, {62, 62}};
    image.grid = Grid::kCrystals;
    image.tier = Tier::kFull;
    image.trackPosition = TrackPosition::kVertex;
    image.jetSeed = JetSeed::kSum;
    image.domain.pt = {20., 1000.};
    return image;
  }

}  // namespace particlevit::test

#endif
