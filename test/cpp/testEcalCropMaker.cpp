#include "catch.h"

#include <limits>
#include <utility>
#include <vector>

#include "RecoE2E/ParticleViT/interface/EcalCropMaker.h"
#include "description.h"

using namespace particlevit;
using particlevit::test::cropDescription;

namespace {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr std::size_t kCells = 32 * 32;

  Candidate photon(std::vector<Crystal> crystals, double pt = 50., double eta = 0.1) {
    return {pt, eta, 0., std::move(crystals)};
  }

  EventImages make(const std::vector<BarrelHit>& hits,
                   const std::vector<Candidate>& candidates,
                   const ImageDescription& image = cropDescription()) {
    EcalCropMaker maker(image);
    return maker.make(candidates, [&] { return hits; });
  }
}  // namespace

TEST_CASE("The highest crystal of the candidate is put at the description's seed", "[EcalCropMaker]") {
  const std::vector<BarrelHit> hits = {{10, 5, 20.f, 0.5f}, {9, 4, 3.f, -1.f}, {12, 5, 90.f, 2.f}};
  const auto event = make(hits, {photon({{9, 4}, {10, 5}})});  // the third hit is of something else
  REQUIRE(event.images.size() == 2 * kCells);
  CHECK(event.candidates == std::vector<int>{0});
  CHECK(event.status == std::vector<int>{0});
  CHECK(event.images[16 * 32 + 16] == 20.f);
  CHECK(event.images[15 * 32 + 15] == 3.f);
  CHECK(event.images[18 * 32 + 16] == 90.f);
  CHECK(event.images[kCells + 16 * 32 + 16] == 0.5f);
  CHECK(event.images[kCells + 15 * 32 + 15] == -1.f);
  auto other = cropDescription();
  other.window.seed = {15, 15};
  CHECK(make(hits, {photon({{9, 4}, {10, 5}})}, other).images[15 * 32 + 15] == 20.f);
}

TEST_CASE("Channels are chosen by their kind, in the model's order", "[EcalCropMaker]") {
  auto image = cropDescription();
  image.channels = {{"t", "ns", ChannelKind::kTime}, {"e", "GeV", ChannelKind::kEnergy}};
  const auto event = make({{10, 5, 20.f, 0.5f}}, {photon({{10, 5}})}, image);
  CHECK(event.images[16 * 32 + 16] == 0.5f);
  CHECK(event.images[kCells + 16 * 32 + 16] == 20.f);
  image.channels = {{"e", "GeV", ChannelKind::kEnergy}};
  CHECK(make({{10, 5, 20.f, kNaN}}, {photon({{10, 5}})}, image).images.size() == kCells);  // the time is not asked for
}

TEST_CASE("Each candidate without an image says why", "[EcalCropMaker]") {
  const std::vector<BarrelHit> hits = {
      {10, 5, 20.f, 0.5f}, {-85, 5, 20.f, 0.f}, {71, 5, 7.f, 0.f}, {30, 300, 5.f, kNaN}};
  const std::vector<Candidate> candidates = {photon({{10, 5}}, 9.9),
                                             photon({{10, 5}}, std::numeric_limits<double>::quiet_NaN()),
                                             photon({{10, 5}}, 50., -1.5),
                                             photon({{11, 5}}),  // not among the hits
                                             photon({}),
                                             photon({{0, 1}, {86, 1}, {1, 361}}),
                                             photon({{-85, 5}}),
                                             photon({{71, 5}}),
                                             photon({{30, 300}}),
                                             photon({{10, 5}})};
  auto image = cropDescription();
  const auto event = make(hits, candidates, image);
  CHECK(event.status == std::vector<int>{1, 1, 2, 3, 3, 3, 4, 4, 6, 0});
  CHECK(event.candidates == std::vector<int>{9});
  CHECK(event.images.size() == 2 * kCells);
  image.domain = {};
  const auto open = make(hits, candidates, image);
  CHECK(open.status == std::vector<int>{0, 1, 0, 3, 3, 3, 5, 5, 6, 0});
}

TEST_CASE("Limits of the domain are inclusive", "[EcalCropMaker]") {
  const std::vector<BarrelHit> hits = {{69, 5, 20.f, 0.f}, {-69, 5, 20.f, 0.f}};  // rows 208 and 71
  const auto event = make(hits, {photon({{69, 5}}, 10., 1.44), photon({{-69, 5}}, 1000., -1.44)});
  CHECK(event.status == std::vector<int>{0, 0});
}

TEST_CASE("Hits without energy and of unknown crystals are left out", "[EcalCropMaker]") {
  EcalCropMaker maker(cropDescription());
  const std::vector<BarrelHit> hits = {{10, 5, 20.f, 0.5f},
                                       {10, 6, 0.f, 7.f},
                                       {10, 7, -2.f, 7.f},
                                       {0, 5, 99.f, 7.f},
                                       {86, 5, 99.f, 7.f},
                                       {9, 361, 9.f, 7.f}};
  const auto event = maker.make({photon({{10, 7}, {10, 6}, {10, 5}})}, [&] { return hits; });
  CHECK(std::count(event.images.begin(), event.images.end(), 0.f) == 2 * kCells - 2);
  CHECK(maker.unknownHits() == 3);
}

TEST_CASE("An energy that is not finite is seen by every window that holds it, and by no other", "[EcalCropMaker]") {
  for (const float bad : {kNaN, std::numeric_limits<float>::infinity()}) {
    const std::vector<BarrelHit> hits = {{10, 5, 20.f, 0.f}, {12, 5, bad, 0.f}, {50, 5, 20.f, 0.f}};
    const auto event = make(hits, {photon({{10, 5}}), photon({{50, 5}})});
    CHECK(event.status == std::vector<int>{6, 0});
    CHECK(event.candidates == std::vector<int>{1});
  }
}

TEST_CASE("Hits are asked for once, and only for a candidate within the domain", "[EcalCropMaker]") {
  EcalCropMaker maker(cropDescription());
  int calls = 0;
  const auto getHits = [&calls] {
    ++calls;
    return std::vector<BarrelHit>{{10, 5, 20.f, 0.f}};
  };
  CHECK(maker.make({photon({{10, 5}}, 1.), photon({{10, 5}}, 50., 2.)}, getHits).images.empty());
  CHECK(maker.make({}, getHits).status.empty());
  CHECK(calls == 0);
  maker.make({photon({{10, 5}}), photon({{10, 5}})}, getHits);
  CHECK(calls == 1);
}

TEST_CASE("Nothing is left of the event before", "[EcalCropMaker]") {
  EcalCropMaker maker(cropDescription());
  maker.make({photon({{10, 5}})}, [] { return std::vector<BarrelHit>{{10, 5, 20.f, 1.f}, {11, 5, 3.f, 1.f}}; });
  const auto event = maker.make({photon({{10, 5}})}, [] { return std::vector<BarrelHit>{{10, 5, 20.f, 0.f}}; });
  CHECK(std::count(event.images.begin(), event.images.end(), 0.f) == 2 * kCells - 1);
}

TEST_CASE("Crops wrap at the iphi seam", "[EcalCropMaker]") {
  const auto event = make({{10, 1, 20.f, 0.f}, {10, 360, 4.f, 0.f}}, {photon({{10, 1}})});
  CHECK(event.images[16 * 32 + 15] == 4.f);
}

TEST_CASE("Models of other images are refused", "[EcalCropMaker]") {
  auto image = cropDescription();
  image.channels[1].unit = "s";
  CHECK_THROWS_WITH(EcalCropMaker(image), containsText("time (time, s)") && containsText("(time, ns)"));
  image = cropDescription();
  image.channels[1].kind = ChannelKind::kCount;
  CHECK_THROWS_WITH(EcalCropMaker(image), containsText("time cannot be filled"));
  image = cropDescription();
  image.channels.push_back({"more", "GeV", ChannelKind::kEnergy});
  CHECK_THROWS_WITH(EcalCropMaker(image), containsText("more cannot be filled"));
  image = cropDescription();
  image.grid = Grid::kEtaPhi;
  CHECK_THROWS_WITH(EcalCropMaker(image), containsText("grid eta_phi"));
  image = cropDescription();
  image.jetSeed = JetSeed::kSum;
  CHECK_THROWS_WITH(EcalCropMaker(image), containsText("jet seed sum"));
}
