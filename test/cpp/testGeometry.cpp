#include "catch.h"

#include <limits>
#include <set>
#include <utility>

#include "RecoE2E/ParticleViT/interface/Geometry.h"

using namespace particlevit;

TEST_CASE("Barrel crystals fill the image exactly once", "[Geometry]") {
  std::set<std::pair<int, int>> cells;
  for (int ieta = -kEBIEtaMax; ieta <= kEBIEtaMax; ++ieta)
    for (int iphi = 1; ieta != 0 && iphi <= kEBIPhiMax; ++iphi) {
      const Cell cell = ebCell(ieta, iphi);
      cells.emplace(cell.row, cell.column);
      REQUIRE((cell.row >= 0 && cell.row < kEBRows && cell.column >= 0 && cell.column < kEcalColumns));
    }
  REQUIRE(cells.size() == std::size_t{kEBRows} * kEBIPhiMax);
  CHECK(ecalCell(-85, 1) == Cell{55, 0});
  CHECK(ecalCell(-1, 360) == Cell{139, 359});
  CHECK(ecalCell(1, 360) == Cell{140, 359});
  CHECK(ecalCell(85, 1) == Cell{224, 0});
}

TEST_CASE("Towers are aligned with the crystals and tower 29 is counted as 28", "[Geometry]") {
  CHECK(hbheCell(1, 1) == Cell{28, 2});
  CHECK(hbheCell(-1, 70) == Cell{27, 71});
  CHECK(hbheCell(28, 71) == Cell{55, 0});
  CHECK(hbheCell(29, 72) == Cell{55, 1});
  CHECK(hbheCell(-29, 72) == Cell{0, 1});
  CHECK(isCoarseTower(21));
  CHECK(isCoarseTower(-21));
  CHECK_FALSE(isCoarseTower(20));
}

TEST_CASE("A direction points to the crystal or tower that holds it", "[Geometry]") {
  const double degree = 1. / kDegreesPerRadian;
  CHECK(ecalCellOf(0.001, 0.5 * degree) == ecalCell(1, 11));
  CHECK(ecalCellOf(-0.001, -9.5 * degree) == ecalCell(-1, 1));
  CHECK(ecalCellOf(1.478, 349.5 * degree) == ecalCell(85, 360));
  CHECK(hbheCellOf(0.001, 0.1 * degree) == hbheCell(1, 1));
  CHECK(hbheCellOf(-2.9, -0.1 * degree) == hbheCell(-28, 72));
  CHECK(ecalCellOf(2.999, 0.)->row == kEcalRows - 1);
  CHECK(ecalCellOf(-2.999, 0.)->row == 0);
  CHECK(ecalCellOf(1.48, 0.)->row == 225);
}

TEST_CASE("Each crystal lies within its tower", "[Geometry]") {
  for (double eta = -2.9999; eta < 3.; eta += 0.0037)
    for (double phi = -3.14159; phi < 3.1416; phi += 0.0171) {
      const auto crystal = ecalCellOf(eta, phi);
      const auto tower = hbheCellOf(eta, phi);
      REQUIRE((crystal && tower));
      REQUIRE(crystal->row / kEcalPerHcal == tower->row);
      REQUIRE(crystal->column / kEcalPerHcal == tower->column);
    }
}

TEST_CASE("Directions outside of the calorimeters have no cell", "[Geometry]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (double eta : {3., -3., 5., nan, std::numeric_limits<double>::infinity()})
    CHECK_FALSE(ecalCellOf(eta, 0.));
  CHECK_FALSE(hbheCellOf(0., nan));
}
