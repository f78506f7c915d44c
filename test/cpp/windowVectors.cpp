// Writes what the C++ side makes of test vectors, to be compared with Python's answer bit for bit.
//
//   windowVectors constants                                   geometry as JSON, to the standard output
//   windowVectors crop IMAGE.npy SEEDS.npy HEIGHT WIDTH ROW COLUMN OUT.npy
//   windowVectors upsample TOWERS.npy OUT.npy
//   windowVectors seeds TOWERS.npy STARTS.npy OUT.npy
//
//   windowVectors cells DIRECTIONS.npy OUT.npy
//
// IMAGE and TOWERS are (rows, columns), SEEDS and STARTS (N, 2): row, column; ROW and COLUMN are the seed's in the
// window. DIRECTIONS is (N, 2): eta, phi; of each, row and column in the ECAL and in the tower image, -1 for none.

#include <iostream>

#include "RecoE2E/ParticleViT/interface/SeedFinder.h"
#include "RecoE2E/ParticleViT/interface/npy.h"

using namespace particlevit;
using namespace particlevit::test;

namespace {
  DetectorImage readImage(const std::string& path) {
    const Array array = readNpy(path);
    DetectorImage image(static_cast<int>(array.shape.at(0)), static_cast<int>(array.shape.at(1)));
    for (int row = 0; row < image.rows(); ++row)
      for (int column = 0; column < image.columns(); ++column)
        image.set({row, column}, array.values[static_cast<std::size_t>(row) * image.columns() + column]);
    return image;
  }

  std::vector<Cell> readCells(const std::string& path) {
    const Array array = readNpy(path);
    std::vector<Cell> cells;
    for (std::size_t i = 0; i + 1 < array.values.size(); i += 2)
      cells.push_back({static_cast<int>(array.values[i]), static_cast<int>(array.values[i + 1])});
    return cells;
  }

  template <typename Numbers>
  void printNumbers(const char* name, const Numbers& numbers) {
    std::cout << ", \"" << name << "\": [";
    for (std::size_t i = 0; i < numbers.size(); ++i)
      std::cout << (i > 0 ? ", " : "") << numbers[i];
    std::cout << ']';
  }

  void printConstants() {
    std::cout << "{\"EB_IETA_MAX\": " << kEBIEtaMax << ", \"EB_IPHI_MAX\": " << kEBIPhiMax
              << ", \"EB_ROWS\": " << kEBRows << ", \"EE_ROWS\": " << kEERows << ", \"ECAL_ROWS\": " << kEcalRows
              << ", \"ECAL_COLUMNS\": " << kEcalColumns << ", \"HBHE_ROWS\": " << kHBHERows
              << ", \"HBHE_COLUMNS\": " << kHBHEColumns << ", \"ECAL_PER_HCAL\": " << kEcalPerHcal;
    std::vector<int> rows;
    for (int ieta = -kEBIEtaMax; ieta <= kEBIEtaMax; ++ieta)
      if (ieta != 0)
        rows.push_back(ebCell(ieta, 1).row);
    std::cout.precision(17);
    printNumbers("eb_row", rows);
    printNumbers("barrel_eta_edges", kBarrelEtaEdges);
    printNumbers("tower_eta_edges", kTowerEtaEdges);
    std::cout << "}\n";
  }

  void crop(char** argv) {
    const auto image = readImage(argv[2]);
    const auto seeds = readCells(argv[3]);
    const Window window{std::stoi(argv[4]), std::stoi(argv[5]), {std::stoi(argv[6]), std::stoi(argv[7])}};
    std::vector<float> windows(seeds.size() * window.size());
    for (std::size_t i = 0; i < seeds.size(); ++i)
      cropWindow(image, seeds[i], window, windows.data() + i * window.size());
    const auto height = static_cast<std::size_t>(window.height);
    writeNpy(argv[8], {seeds.size(), height, static_cast<std::size_t>(window.width)}, windows);
  }

  void cells(char** argv) {
    const Array directions = readNpy(argv[2]);
    std::vector<float> found;
    for (std::size_t i = 0; i + 1 < directions.values.size(); i += 2)
      for (const auto& cell : {ecalCellOf(directions.values[i], directions.values[i + 1]),
                               hbheCellOf(directions.values[i], directions.values[i + 1])}) {
        found.push_back(cell ? static_cast<float>(cell->row) : -1.f);
        found.push_back(cell ? static_cast<float>(cell->column) : -1.f);
      }
    writeNpy(argv[3], {found.size() / 4, 4}, found);
  }

  void upsample(char** argv) {
    DetectorImage crystals(kEcalRows, kEcalColumns);
    upsampleTowers(readImage(argv[2]), crystals);
    writeNpy(argv[3], {kEcalRows, kEcalColumns}, crystals.values());
  }

  void seeds(char** argv) {
    const auto towers = readImage(argv[2]);
    std::vector<float> found;
    for (const auto& start : readCells(argv[3])) {
      const Cell seed = findJetSeed(towers, start);
      found.push_back(static_cast<float>(seed.row));
      found.push_back(static_cast<float>(seed.column));
    }
    writeNpy(argv[4], {found.size() / 2, 2}, found);
  }
}  // namespace

int main(int argc, char** argv) try {
  const std::string task = argc > 1 ? argv[1] : "";
  if (task == "constants" && argc == 2)
    printConstants();
  else if (task == "crop" && argc == 9)
    crop(argv);
  else if (task == "upsample" && argc == 4)
    upsample(argv);
  else if (task == "seeds" && argc == 5)
    seeds(argv);
  else if (task == "cells" && argc == 4)
    cells(argv);
  else
    throw std::invalid_argument("usage: windowVectors TASK FILES; see the head of its source");
  return 0;
} catch (const std::exception& error) {
  std::cerr << "windowVectors: " << error.what() << '\n';
  return 2;
}
