#include "catch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "RecoE2E/ParticleViT/interface/JetImageMaker.h"
#include "description.h"

using namespace particlevit;
using particlevit::test::jetDescription;

namespace {
  constexpr int kSize = 125;
  constexpr std::size_t kCells = kSize * kSize;
  constexpr double kDegree = 1. / kDegreesPerRadian;

  Candidate jet(double pt, double eta, double phi) {
    return {pt, eta, phi, {}};
  }

  EventImages make(const JetHits& hits,
                   const std::vector<Candidate>& jets,
                   const ImageDescription& image = jetDescription(),
                   const JetImageOptions& options = {}) {
    JetImageMaker maker(image, options);
    return maker.make(jets, [&] { return hits; });
  }

  // Sum of a channel, 0: tracks, 1: ECAL, 2: HCAL.
  float sum(const EventImages& event, std::size_t channel) {
    const auto start = event.images.begin() + static_cast<std::ptrdiff_t>(channel * kCells);
    return std::accumulate(start, start + kCells, 0.f);
  }

  // Value in the cell that is `rows` and `columns` from the seed.
  float at(const EventImages& event, std::size_t channel, int rows, int columns) {
    return event.images[channel * kCells + static_cast<std::size_t>((62 + rows) * kSize + 62 + columns)];
  }
}  // namespace

TEST_CASE("Tracks, crystals and towers come to lie around the highest tower", "[JetImageMaker]") {
  JetHits hits;
  hits.towers = {{5, 10, 1, 20.f}, {5, 10, 2, 5.f}, {4, 9, 1, 1.f}};
  hits.barrel = {{23, 58, 7.f, 0.f}, {24, 58, 0.f, 0.f}, {25, 58, -1.f, 0.f}};  // ieta 23 is row 162, that of the seed
  hits.tracks = {{3.f, 0.4, 47.5 * kDegree}, {0.5f, 0.4, 47.5 * kDegree}, {2.f, 0.4, 47.5 * kDegree}};
  const auto event = make(hits, {jet(50., 0.3, 50. * kDegree)});
  REQUIRE(event.images.size() == 3 * kCells);
  CHECK(at(event, 0, 0, 0) == 5.f);
  CHECK(sum(event, 0) == 5.f);  // the track of 0.5 GeV is not above the cut
  CHECK(at(event, 1, 0, 0) == 7.f);
  CHECK(sum(event, 1) == 7.f);
  for (int rows = -2; rows <= 2; ++rows)
    for (int columns = -2; columns <= 2; ++columns)
      CHECK(at(event, 2, rows, columns) == 1.f);
  CHECK(std::abs(sum(event, 2) - 26.f) < 1e-4f);
}

TEST_CASE("Jets are seeded by the sum of depths, or by the highest hit of depth 1", "[JetImageMaker]") {
  JetHits hits;
  hits.towers = {{3, 20, 1, 5.f}, {4, 20, 1, 1.f}, {4, 20, 2, 9.f}};
  auto image = jetDescription();
  const auto axis = jet(50., 0.3, 97. * kDegree);
  const auto bySum = make(hits, {axis}, image);
  CHECK(at(bySum, 2, 0, 0) == 10.f / 25.f);
  image.jetSeed = JetSeed::kDepth1;
  const auto byDepth = make(hits, {axis}, image);
  CHECK(at(byDepth, 2, 0, 0) == 5.f / 25.f);
  CHECK(at(byDepth, 2, 5, 0) == 10.f / 25.f);
}

TEST_CASE("Wide towers are shared between two columns, tower 29 counts as 28", "[JetImageMaker]") {
  auto image = jetDescription();
  image.window = {25, 5, {12, 2}};
  JetHits hits;
  hits.towers = {{21, 71, 1, 8.f}, {29, 1, 1, 2.f}, {28, 1, 1, 4.f}};
  const auto event = make(hits, {jet(50., 1.79, -7. * kDegree)}, image);  // ieta 21, iphi 71
  REQUIRE(event.status == std::vector<int>{0});
  const float* hcal = event.images.data() + 2 * 25 * 5;
  CHECK(hcal[12 * 5 + 2] == 4.f / 25.f);
  const auto forward = make(hits, {jet(50., 2.8, 2. * kDegree)}, image);
  CHECK(forward.status == std::vector<int>{5});
}

TEST_CASE("Endcap hits are placed by their position and can be scaled", "[JetImageMaker]") {
  JetHits hits;
  hits.towers = {{16, 10, 1, 20.f}};
  hits.endcap = {{1.5, 47. * kDegree, 8.f}, {1.5, 47.2 * kDegree, 4.f}, {1.5, 47. * kDegree, -3.f}, {3.1, 0., 5.f}};
  const auto axis = jet(50., 1.3, 47. * kDegree);
  CHECK(sum(make(hits, {axis}), 1) == 12.f);
  JetImageOptions options;
  options.endcapScale = 0.25f;
  CHECK(sum(make(hits, {axis}, jetDescription(), options), 1) == 3.f);
}

TEST_CASE("Each jet without an image says why", "[JetImageMaker]") {
  JetHits hits;
  hits.towers = {{5, 10, 1, 20.f}, {20, 30, 1, 4.f}};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Candidate> jets = {jet(19., 0.4, 0.8),
                                       jet(50., 0.4, 0.8),
                                       jet(50., 3.5, 0.8),
                                       jet(50., 0.4, nan),
                                       jet(50., nan, 0.8),
                                       jet(50., 1.7, 2.55)};
  CHECK(make(hits, jets).status == std::vector<int>{1, 0, 3, 3, 2, 5});
  auto image = jetDescription();
  image.domain.absEta = {0., 1.};
  image.domain.seedRows = {0., 100.};
  CHECK(make(hits, jets, image).status == std::vector<int>{1, 4, 2, 3, 2, 2});
}

TEST_CASE("An event without any hit makes empty images around the axis", "[JetImageMaker]") {
  const auto event = make({}, {jet(50., 0.4, 0.8)});
  CHECK(event.status == std::vector<int>{0});
  CHECK(std::all_of(event.images.begin(), event.images.end(), [](float value) { return value == 0.f; }));
}

TEST_CASE("Unknown towers and crystals are left out and counted, values that are not finite are seen",
          "[JetImageMaker]") {
  JetHits hits;
  hits.towers = {{0, 10, 1, 20.f}, {30, 10, 1, 20.f}, {5, 73, 1, 20.f}, {5, 10, 1, -20.f}};
  hits.barrel = {{0, 1, 1.f, 0.f}, {86, 1, 1.f, 0.f}};
  JetImageMaker maker(jetDescription(), {});
  const auto empty = maker.make({jet(50., 0.4, 0.8)}, [&] { return hits; });
  CHECK(maker.unknownHits() == 5);
  CHECK(sum(empty, 2) == 0.f);
  hits.towers = {{5, 10, 1, std::numeric_limits<float>::quiet_NaN()}};
  CHECK(maker.make({jet(50., 0.4, 0.8), jet(50., 0.4, -2.)}, [&] { return hits; }).status == std::vector<int>{6, 0});
}

TEST_CASE("Only what the model's channels need is used", "[JetImageMaker]") {
  auto image = jetDescription();
  image.channels = {image.channels[2], image.channels[0]};
  JetImageMaker maker(image, {});
  CHECK((maker.uses(JetImageMaker::kTracks) && maker.uses(JetImageMaker::kHcal)));
  CHECK_FALSE(maker.uses(JetImageMaker::kEcal));
  JetHits hits;
  hits.towers = {{5, 10, 1, 25.f}};
  const auto event = maker.make({jet(50., 0.4, 0.8)}, [&] { return hits; });
  CHECK(event.images.size() == 2 * kCells);
  CHECK(at(event, 0, 0, 0) == 1.f);
}

TEST_CASE("Models of images that are not of jets are refused", "[JetImageMaker]") {
  auto image = jetDescription();
  image.jetSeed = JetSeed::kNone;
  CHECK_THROWS_WITH(JetImageMaker(image, {}), containsText("jets need a seed: depth1 or sum"));
  image = jetDescription();
  image.trackPosition = TrackPosition::kEcal;
  CHECK_THROWS_WITH(JetImageMaker(image, {}), containsText("track position ecal"));
  image.channels.erase(image.channels.begin());
  CHECK_NOTHROW(JetImageMaker(image, {}));
  image = jetDescription();
  image.channels[2].name = "muons";
  CHECK_THROWS_WITH(JetImageMaker(image, {}),
                    containsText("muons cannot be filled") && containsText("hcal (energy, GeV)"));
  image = jetDescription();
  image.grid = Grid::kEtaPhi;
  CHECK_THROWS_WITH(JetImageMaker(image, {}), containsText("in the grid of crystals"));
}
