#ifndef RecoE2E_ParticleViT_Geometry_h
#define RecoE2E_ParticleViT_Geometry_h

// Geometry of the CMS calorimeters as image rows and columns.
//
// Sources: CMS Collaboration, "The CMS experiment at the CERN LHC", JINST 3 (2008) S08004, chapters 4 and 5.
// The image layout is that of the MLAnalyzer ntuples: row = global ieta, column = EB iphi - 1.
// The same numbers stand in python/geometry; tests compare them.

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

  // Outer |eta| of the rings 1..85 of barrel crystals, with 0 in front: where the front faces of neighbouring rings
  // meet, seen from the detector's centre. Read off the corners of the EB hits in CMS event displays of 2012
  // (python/geometry).
  constexpr std::array<double, kEBIEtaMax + 1> kBarrelEtaEdges = {
      {0.00000, 0.02101, 0.03955, 0.05807, 0.07658, 0.09506, 0.11245, 0.12981, 0.14716, 0.16448, 0.18178,
       0.19917, 0.21653, 0.23388, 0.25120, 0.26852, 0.28590, 0.30327, 0.32062, 0.33795, 0.35527, 0.37268,
       0.39006, 0.40743, 0.42478, 0.44448, 0.46413, 0.48139, 0.49863, 0.51586, 0.53307, 0.55021, 0.56734,
       0.58445, 0.60155, 0.61863, 0.63579, 0.65293, 0.67004, 0.68714, 0.70423, 0.72140, 0.73856, 0.75570,
       0.77281, 0.79244, 0.81221, 0.82941, 0.84659, 0.86373, 0.88087, 0.89804, 0.91518, 0.93229, 0.94938,
       0.96647, 0.98364, 1.00079, 1.01790, 1.03500, 1.05209, 1.06928, 1.08644, 1.10358, 1.12069, 1.14041,
       1.16022, 1.17736, 1.19448, 1.21157, 1.22866, 1.24584, 1.26299, 1.28011, 1.29721, 1.31430, 1.33149,
       1.34865, 1.36578, 1.38287, 1.39994, 1.41714, 1.43432, 1.45145, 1.46855, 1.48639}};

  constexpr int kBarrelTowers = kEBIEtaMax / kEcalPerHcal;  // beyond their edge a direction points to an endcap

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

  // Whether there is a barrel crystal of this number.
  constexpr bool isBarrelCrystal(int ieta, int iphi) {
    return ieta != 0 && ieta >= -kEBIEtaMax && ieta <= kEBIEtaMax && iphi >= 1 && iphi <= kEBIPhiMax;
  }

  // Cell of the barrel image (170 x 360) of the crystal ieta (-85..-1, 1..85), iphi (1..360).
  constexpr Cell ebCell(int ieta, int iphi) {
    return {(ieta > 0 ? ieta - 1 : ieta) + kEBIEtaMax, iphi - 1};
  }

  // Cell of the whole-ECAL image (280 x 360) of a barrel crystal.
  constexpr Cell ecalCell(int ieta, int iphi) {
    return {ebCell(ieta, iphi).row + kEERows, iphi - 1};
  }

  // Whether there is a tower of this number; 29 is the innermost ring, counted as 28 in images.
  constexpr bool isTower(int ieta, int iphi) {
    return ieta != 0 && ieta >= -kHBHEIEtaMax - 1 && ieta <= kHBHEIEtaMax + 1 && iphi >= 1 && iphi <= kHBHEColumns;
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

  // Angle in degrees, less whole turns.
  inline double degreesOf(double phi) {
    return std::fmod(phi * kDegreesPerRadian, 360.);
  }

  // Cell of the tower image that a direction (eta, phi in rad) points to; none for |eta| >= 3.
  inline std::optional<Cell> hbheCellOf(double eta, double phi) {
    const auto edge = std::upper_bound(kTowerEtaEdges.begin(), kTowerEtaEdges.end(), std::abs(eta));
    if (edge == kTowerEtaEdges.end() || !std::isfinite(eta) || !std::isfinite(phi))
      return std::nullopt;
    const int tower = static_cast<int>(edge - kTowerEtaEdges.begin());  // 1..28
    const int iphi = static_cast<int>(std::floor(degreesOf(phi) / kEcalPerHcal)) + 1;
    return hbheCell(eta < 0. ? -tower : tower, iphi);
  }

  // Row of the ECAL image, counted from the centre outwards (0..139): a barrel ring, or a fifth of an endcap's tower.
  inline std::optional<int> ecalRowFromCentre(double absEta) {
    if (absEta < kTowerEtaEdges[kBarrelTowers]) {
      const auto edge = std::upper_bound(kBarrelEtaEdges.begin(), kBarrelEtaEdges.end() - 1, absEta);
      return static_cast<int>(edge - kBarrelEtaEdges.begin()) - 1;
    }
    const auto edge = std::upper_bound(kTowerEtaEdges.begin(), kTowerEtaEdges.end(), absEta);
    if (edge == kTowerEtaEdges.end() || std::isnan(absEta))
      return std::nullopt;
    const int tower = static_cast<int>(edge - kTowerEtaEdges.begin()) - 1;
    const double low = kTowerEtaEdges[tower];
    const double width = kTowerEtaEdges[tower + 1] - low;
    const int part = std::min(static_cast<int>(kEcalPerHcal * (absEta - low) / width), kEcalPerHcal - 1);
    return tower * kEcalPerHcal + part;
  }

  // Cell of the whole-ECAL image that a direction (eta, phi in rad) points to; none for |eta| >= 3.
  inline std::optional<Cell> ecalCellOf(double eta, double phi) {
    const auto row = ecalRowFromCentre(std::abs(eta));
    if (!row || !std::isfinite(phi))
      return std::nullopt;
    const int iphi = static_cast<int>(std::floor(degreesOf(phi))) + 1;
    return Cell{eta < 0. ? kEcalRows / 2 - 1 - *row : kEcalRows / 2 + *row,
                wrapColumn(iphi - 1 + kIPhiShift * kEcalPerHcal, kEcalColumns)};
  }

}  // namespace particlevit

#endif
