// Writes what the C++ side makes of test vectors, to be compared with Python's answer bit for bit.
//
//   windowVectors constants                                   geometry as JSON, to the standard output
//   windowVectors crop IMAGE.npy SEEDS.npy HEIGHT WIDTH OUT.npy
//   windowVectors upsample TOWERS.npy OUT.npy
//   windowVectors seeds TOWERS.npy STARTS.npy OUT.npy
//
// IMAGE and TOWERS are (rows, columns), SEEDS and STARTS (N, 2): row, column.

#include <iostream>

#include "RecoE2E/ParticleViT/interface/SeedFinder.h"
#include "npy.h"

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

  void printConstants() {
    std::cout << "{\"EB_IETA_MAX\": " << kEBIEtaMax << ", \"EB_IPHI_MAX\": " << kEBIPhiMax
              << ", \"EB_ROWS\": " << kEBRows << ", \"EE_ROWS\": " << kEERows << ", \"ECAL_ROWS\": " << kEcalRows
              << ", \"ECAL_COLUMNS\": " << kEcalColumns << ", \"HBHE_ROWS\": " << kHBHERows
              << ", \"HBHE_COLUMNS\": " << kHBHEColumns << ", \"ECAL_PER_HCAL\": " << kEcalPerHcal << ", \"eb_row\": [";
    for (int ieta = -kEBIEtaMax; ieta <= kEBIEtaMax; ++ieta)
      if (ieta != 0)
        std::cout << (ieta > -kEBIEtaMax ? ", " : "") << ebCell(ieta, 1).row;
    std::cout << "]}\n";
  }

  void crop(char** argv) {
    const auto image = readImage(argv[2]);
    const auto seeds = readCells(argv[3]);
    const int height = std::stoi(argv[4]);
    const int width = std::stoi(argv[5]);
    const std::size_t size = static_cast<std::size_t>(height) * width;
    std::vector<float> windows(seeds.size() * size);
    for (std::size_t i = 0; i < seeds.size(); ++i)
      cropWindow(image, seeds[i], height, width, windows.data() + i * size);
    writeNpy(argv[6], {seeds.size(), static_cast<std::size_t>(height), static_cast<std::size_t>(width)}, windows);
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
  else if (task == "crop" && argc == 7)
    crop(argv);
  else if (task == "upsample" && argc == 4)
    upsample(argv);
  else if (task == "seeds" && argc == 5)
    seeds(argv);
  else
    throw std::invalid_argument("usage: windowVectors constants|crop|upsample|seeds FILES; see the head of its source");
  return 0;
} catch (const std::exception& error) {
  std::cerr << "windowVectors: " << error.what() << '\n';
  return 2;
}
