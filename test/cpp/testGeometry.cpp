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

TEST_CASE("Crystals and towers that do not exist are known", "[Geometry]") {
  for (int ieta : {0, 86, -86})
    CHECK_FALSE(isBarrelCrystal(ieta, 1));
  for (int iphi : {0, 361, -1})
    CHECK_FALSE(isBarrelCrystal(1, iphi));
  CHECK((isBarrelCrystal(-85, 360) && isBarrelCrystal(85, 1)));
  CHECK_FALSE((isTower(0, 1) || isTower(30, 1) || isTower(-30, 1) || isTower(1, 0) || isTower(1, 73)));
  CHECK((isTower(-29, 72) && isTower(29, 1)));
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

TEST_CASE("Barrel directions point to the real crystals, which are not equally wide", "[Geometry]") {
  for (int ieta = 1; ieta <= kEBIEtaMax; ++ieta) {
    const double low = kBarrelEtaEdges[ieta - 1];
    const double middle = (low + std::min(kBarrelEtaEdges[ieta], 1.479)) / 2.;
    REQUIRE(kBarrelEtaEdges[ieta] > low);
    REQUIRE(ecalCellOf(middle, 0.) == ecalCell(ieta, 11));
    REQUIRE(ecalCellOf(-middle, 0.) == ecalCell(-ieta, 11));
    REQUIRE(ecalCellOf(low, 0.)->row == ecalCell(ieta, 11).row);
  }
  CHECK(ecalCellOf(0.0174 * 44.9, 0.) == ecalCell(45, 11));
  CHECK(ecalCellOf(0.0174 * 84.6, 0.) == ecalCell(85, 11));
  CHECK(ecalCellOf(0.01745, 0.) == ecalCell(1, 11));  // a uniform grid has it in the second ring
  CHECK(ecalCellOf(-0., 0.) == ecalCell(1, 11));
}

TEST_CASE("Crystals and towers share their columns, and in the endcaps their rows", "[Geometry]") {
  for (double eta = -2.9999; eta < 3.; eta += 0.0037)
    for (double phi = -3.14159; phi < 3.1416; phi += 0.0171) {
      const auto crystal = ecalCellOf(eta, phi);
      const auto tower = hbheCellOf(eta, phi);
      REQUIRE((crystal && tower));
      REQUIRE(crystal->column / kEcalPerHcal == tower->column);
      if (std::abs(eta) >= 1.479)
        REQUIRE(crystal->row / kEcalPerHcal == tower->row);
      else
        REQUIRE(std::abs(crystal->row - (tower->row * kEcalPerHcal + 2)) <= 4);
    }
}

TEST_CASE("Directions outside of the calorimeters have no cell", "[Geometry]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (double eta : {3., -3., 5., nan, std::numeric_limits<double>::infinity()})
    CHECK_FALSE(ecalCellOf(eta, 0.));
  CHECK_FALSE(hbheCellOf(0., nan));
  CHECK_FALSE(ecalCellOf(0., nan));
  CHECK(ecalCellOf(0., 1e300));  // whole turns do not count
}
