#include "catch.h"

#include <limits>
#include <numeric>
#include <vector>

#include "RecoE2E/ParticleViT/interface/SeedFinder.h"

using namespace particlevit;

namespace {
  // Value of a cell of the test image: distinct and exact in float32.
  float valueOf(int row, int column) {
    return 1.f + row * 360.f + column;
  }

  DetectorImage numbered(int rows, int columns) {
    DetectorImage image(rows, columns);
    for (int row = 0; row < rows; ++row)
      for (int column = 0; column < columns; ++column)
        image.set({row, column}, valueOf(row, column));
    return image;
  }

  constexpr Window kCrop{32, 32, {15, 15}};

  std::vector<float> crop(const DetectorImage& image, const Cell& seed, const Window& window = kCrop) {
    std::vector<float> values(window.size(), -7.f);
    cropWindow(image, seed, window, values.data());
    return values;
  }
}  // namespace

TEST_CASE("The seed comes to lie in the cell that the window names", "[ImageWindow]") {
  const auto image = numbered(kEBRows, kEcalColumns);
  for (const Cell& cell : {Cell{15, 15}, Cell{16, 16}, Cell{0, 31}})
    CHECK(crop(image, {85, 180}, {32, 32, cell})[cell.row * 32 + cell.column] == valueOf(85, 180));
  CHECK(crop(image, {85, 180}, {125, 125, {62, 62}})[62 * 125 + 62] == valueOf(85, 180));
}

TEST_CASE("Windows wrap at the iphi seam", "[ImageWindow]") {
  const auto image = numbered(kEBRows, kEcalColumns);
  for (int column : {0, 1, 14, 15, 343, 344, 359}) {
    const auto window = crop(image, {85, column});
    for (int j = 0; j < 32; ++j)
      REQUIRE(window[15 * 32 + j] == valueOf(85, (column - 15 + j + 360) % 360));
  }
}

TEST_CASE("Windows are zero beyond the ieta edges", "[ImageWindow]") {
  const auto image = numbered(kEBRows, kEcalColumns);
  const auto low = crop(image, {0, 180});
  CHECK(std::accumulate(low.begin(), low.begin() + 15 * 32, 0.f) == 0.f);
  CHECK(low[15 * 32] == valueOf(0, 165));
  const auto high = crop(image, {kEBRows - 1, 180});
  CHECK(high[15 * 32] == valueOf(kEBRows - 1, 165));
  CHECK(std::accumulate(high.begin() + 16 * 32, high.end(), 0.f) == 0.f);
}

TEST_CASE("A window wider than the image repeats it", "[ImageWindow]") {
  const auto image = numbered(2, 3);
  CHECK(crop(image, {0, 0}, {1, 7, {0, 3}}) == std::vector<float>{1, 2, 3, 1, 2, 3, 1});
}

TEST_CASE("Jet windows fit between the endcaps' edges, crops within the barrel", "[ImageWindow]") {
  constexpr Window jet{125, 125, {62, 62}};
  CHECK_FALSE(jet.inside(centreOfTower({11, 0}).row, kEcalRows));
  CHECK(jet.inside(centreOfTower({12, 0}).row, kEcalRows));
  CHECK(jet.inside(centreOfTower({43, 0}).row, kEcalRows));
  CHECK_FALSE(jet.inside(centreOfTower({44, 0}).row, kEcalRows));
  CHECK_FALSE(kCrop.inside(14, kEBRows));
  CHECK(kCrop.inside(15, kEBRows));
  CHECK(kCrop.inside(153, kEBRows));
  CHECK_FALSE(kCrop.inside(154, kEBRows));
}

TEST_CASE("Upsampling shares each tower among 25 crystals", "[ImageWindow]") {
  DetectorImage towers(kHBHERows, kHBHEColumns);
  DetectorImage crystals(kEcalRows, kEcalColumns);
  towers.add({10, 71}, 30.f);
  towers.add({10, 71}, 20.f);
  upsampleTowers(towers, crystals);
  const auto& values = crystals.values();
  CHECK(std::accumulate(values.begin(), values.end(), 0.f) == 50.f);
  CHECK(crystals.at({50, 355}) == 2.f);
  CHECK(crystals.at({54, 359}) == 2.f);
  CHECK(crystals.at({55, 359}) == 0.f);
  DetectorImage wrong(kEcalRows, kEcalColumns - 5);
  CHECK_THROWS_AS(upsampleTowers(towers, wrong), std::invalid_argument);
}

TEST_CASE("Cells outside of an image are refused", "[ImageWindow]") {
  DetectorImage image(2, 3);
  CHECK_THROWS_AS(image.set({2, 0}, 1.f), std::out_of_range);
  CHECK_THROWS_AS(image.add({0, -1}, 1.f), std::out_of_range);
  CHECK_THROWS_AS(DetectorImage(0, 3), std::invalid_argument);
}

TEST_CASE("The highest hit is the seed, and without energy there is none", "[SeedFinder]") {
  HighestHit seed;
  CHECK_FALSE(seed.cell());
  seed.consider({1, 1}, 0.f);
  seed.consider({1, 2}, -3.f);
  CHECK_FALSE(seed.cell());
  seed.consider({2, 2}, 5.f);
  seed.consider({3, 3}, 5.f);
  seed.consider({4, 4}, 2.f);
  CHECK(seed.cell() == Cell{2, 2});
}

TEST_CASE("The jet seed is the highest of 7 x 7 towers, also across the seam and at the edge", "[SeedFinder]") {
  DetectorImage towers(kHBHERows, kHBHEColumns);
  CHECK(findJetSeed(towers, {28, 0}) == Cell{28, 0});
  towers.set({28, 69}, 3.f);
  towers.set({28, 68}, 9.f);  // four columns away
  towers.set({31, 3}, 2.f);
  CHECK(findJetSeed(towers, {28, 0}) == Cell{28, 69});
  CHECK(findJetSeed(towers, {30, 1}) == Cell{31, 3});
  towers.set({0, 71}, 1.f);  // of ieta -28
  CHECK(findJetSeed(towers, {2, 1}) == Cell{0, 71});
  CHECK(findJetSeed(towers, {55, 40}) == Cell{55, 40});
}

TEST_CASE("ieta 0 is counted but does not exist: near eta = 0 the search has six rows", "[SeedFinder]") {
  CHECK(stepInIEta(28, -1) == kNoRow);  // ieta 1
  CHECK(stepInIEta(28, -2) == 27);      // ieta -1
  CHECK(stepInIEta(27, 3) == 29);       // ieta -1 to 2
  CHECK(stepInIEta(31, -3) == 28);      // ieta 4 to 1
  CHECK(stepInIEta(0, -3) < 0);
  CHECK(stepInIEta(55, 3) == 58);
  DetectorImage towers(kHBHERows, kHBHEColumns);
  towers.set({25, 10}, 5.f);  // ieta -3, four steps from ieta 1
  CHECK(findJetSeed(towers, {28, 10}) == Cell{28, 10});
  towers.set({26, 10}, 4.f);  // ieta -2
  CHECK(findJetSeed(towers, {28, 10}) == Cell{26, 10});
}

TEST_CASE("What is not a number is no seed", "[SeedFinder]") {
  DetectorImage towers(kHBHERows, kHBHEColumns);
  towers.set({20, 20}, std::numeric_limits<float>::quiet_NaN());
  towers.set({20, 21}, 1.f);
  CHECK(findJetSeed(towers, {21, 20}) == Cell{20, 21});
  towers.raise({20, 22}, 3.f);
  towers.raise({20, 22}, 2.f);
  towers.raise({20, 22}, std::numeric_limits<float>::quiet_NaN());
  CHECK(towers.at({20, 22}) == 3.f);
  HighestHit seed;
  seed.consider({1, 1}, std::numeric_limits<float>::quiet_NaN());
  CHECK_FALSE(seed.cell());
}
