#ifndef RecoE2E_ParticleViT_Geometry_h
#define RecoE2E_ParticleViT_Geometry_h

// Geometry of the CMS calorimeters as image rows and columns.
//
// Sources: CMS Collaboration, "The CMS experiment at the CERN LHC", JINST 3 (2008) S08004, chapters 4 and 5.
// The image layout is that of the MLAnalyzer ntuples: row = global ieta, column = EB iphi - 1.
// The same numbers stand in python/geometry/grids.py; a test compares them.

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace particlevit {

  constexpr int kEBIEtaMax = 85;           // crystals per half barrel in eta
  constexpr int kEBIPhiMax = 360;          // crystals around the barrel
  constexpr int kEBRows = 2 * kEBIEtaMax;  // ieta 0 does not exist
  constexpr int kEERows = 55;              // rows per endcap in the ECAL image
  constexpr int kEcalRows = kEBRows + 2 * kEERows;
  constexpr int kEcalColumns = kEBIPhiMax;
  constexpr int kHBHEIEtaMax = 28;  // tower 29 is counted as 28
  constexpr int kHBHERows = 2 * kHBHEIEtaMax;
  constexpr int kHBHEColumns = 72;
  constexpr int kEcalPerHcal = 5;    // crystals per tower, along eta and along phi
  constexpr int kHBHEIEtaFine = 20;  // beyond, a tower is two columns wide
  constexpr int kIPhiShift = 2;      // EB iphi 1 starts at -10 degrees, HBHE iphi 1 at 0: two towers

  // Outer |eta| of the towers 1..28, with 0 in front; ECAL rows divide each tower into five.
  constexpr std::array<double, kHBHEIEtaMax + 1> kTowerEtaEdges = {
      {0.,    0.087, 0.174, 0.261, 0.348, 0.435, 0.522, 0.609, 0.696, 0.783, 0.870, 0.957, 1.044, 1.131, 1.218,
       1.305, 1.392, 1.479, 1.566, 1.653, 1.740, 1.830, 1.930, 2.043, 2.172, 2.322, 2.500, 2.650, 3.000}};

  constexpr double kDegreesPerRadian = 57.295779513082321;

  struct Cell {
    int row;
    int column;
  };

  inline bool operator==(const Cell& a, const Cell& b) {
    return a.row == b.row && a.column == b.column;
  }

  // Column of the image, wrapped into 0..columns-1.
  constexpr int wrapColumn(int column, int columns) {
    return ((column % columns) + columns) % columns;
  }

  // Cell of the barrel image (170 x 360) of the crystal ieta (-85..-1, 1..85), iphi (1..360).
  constexpr Cell ebCell(int ieta, int iphi) {
    return {(ieta > 0 ? ieta - 1 : ieta) + kEBIEtaMax, iphi - 1};
  }

  // Cell of the whole-ECAL image (280 x 360) of a barrel crystal.
  constexpr Cell ecalCell(int ieta, int iphi) {
    return {ebCell(ieta, iphi).row + kEERows, iphi - 1};
  }

  // Cell of the tower image (56 x 72) of the tower ieta (-29..-1, 1..29), HBHE iphi (1..72), aligned with the crystals.
  constexpr Cell hbheCell(int ieta, int iphi) {
    const int towers = std::min(ieta > 0 ? ieta : -ieta, kHBHEIEtaMax);
    return {ieta > 0 ? towers - 1 + kHBHEIEtaMax : kHBHEIEtaMax - towers,
            wrapColumn(iphi - 1 + kIPhiShift, kHBHEColumns)};
  }

  // Whether a tower is two columns wide, so that its energy is shared between iphi and iphi + 1.
  constexpr bool isCoarseTower(int ieta) {
    return ieta > kHBHEIEtaFine || ieta < -kHBHEIEtaFine;
  }

  // Cell of the tower image that a direction (eta, phi in rad) points to; none for |eta| >= 3.
  inline std::optional<Cell> hbheCellOf(double eta, double phi) {
    const auto edge = std::upper_bound(kTowerEtaEdges.begin(), kTowerEtaEdges.end(), std::abs(eta));
    if (edge == kTowerEtaEdges.end() || !std::isfinite(eta) || !std::isfinite(phi))
      return std::nullopt;
    const int tower = static_cast<int>(edge - kTowerEtaEdges.begin());  // 1..28
    const int iphi = static_cast<int>(std::floor(phi * kDegreesPerRadian / kEcalPerHcal)) + 1;
    return hbheCell(eta < 0. ? -tower : tower, iphi);
  }

  // Cell of the whole-ECAL image that a direction (eta, phi in rad) points to; none for |eta| >= 3.
  inline std::optional<Cell> ecalCellOf(double eta, double phi) {
    const auto tower = hbheCellOf(eta, phi);
    if (!tower)
      return std::nullopt;
    const int index = eta < 0. ? kHBHEIEtaMax - 1 - tower->row : tower->row - kHBHEIEtaMax;  // 0..27
    const double low = kTowerEtaEdges[index];
    const double width = kTowerEtaEdges[index + 1] - low;
    const int part = std::min(static_cast<int>(kEcalPerHcal * (std::abs(eta) - low) / width), kEcalPerHcal - 1);
    const int fromCentre = index * kEcalPerHcal + part;  // 0..139
    const int iphi = static_cast<int>(std::floor(phi * kDegreesPerRadian)) + 1;
    return Cell{eta < 0. ? kEcalRows / 2 - 1 - fromCentre : kEcalRows / 2 + fromCentre,
                wrapColumn(iphi - 1 + kIPhiShift * kEcalPerHcal, kEcalColumns)};
  }

}  // namespace particlevit

#endif
