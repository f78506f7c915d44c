#ifndef RecoE2E_ParticleViT_SeedFinder_h
#define RecoE2E_ParticleViT_SeedFinder_h

// Where to centre a window. What is not a number is never the highest.

#include <algorithm>
#include <optional>

#include "RecoE2E/ParticleViT/interface/Geometry.h"
#include "RecoE2E/ParticleViT/interface/ImageWindow.h"

namespace particlevit {

  constexpr int kJetSearchReach = 3;  // towers in each direction from the axis: 7 x 7

  // Keeps the cell of the highest hit; the first one wins a tie, hits without energy do not count.
  class HighestHit {
  public:
    void consider(const Cell& cell, float energy) {
      if (energy > energy_) {
        energy_ = energy;
        cell_ = cell;
      }
    }
    const std::optional<Cell>& cell() const { return cell_; }

  private:
    float energy_ = 0.f;
    std::optional<Cell> cell_;
  };

  // Row of the tower image that lies `steps` in ieta from `row`; since ieta 0 does not exist but is counted, rows on
  // the other side of eta = 0 are one step further. None for ieta 0.
  constexpr int kNoRow = -1;
  constexpr int stepInIEta(int row, int steps) {
    constexpr int kMiddle = kHBHERows / 2;
    const int ieta = (row >= kMiddle ? row - kMiddle + 1 : row - kMiddle) + steps;
    return ieta == 0 ? kNoRow : ieta > 0 ? ieta - 1 + kMiddle : ieta + kMiddle;
  }

  // Highest tower within 7 x 7 (in ieta and iphi) around `start`, which stays the seed unless another one is higher.
  inline Cell findJetSeed(const DetectorImage& towers, const Cell& start) {
    Cell seed = start;
    for (int step = -kJetSearchReach; step <= kJetSearchReach; ++step) {
      const int row = stepInIEta(start.row, step);
      if (row < 0 || row >= towers.rows())
        continue;
      for (int offset = -kJetSearchReach; offset <= kJetSearchReach; ++offset) {
        const Cell cell{row, wrapColumn(start.column + offset, towers.columns())};
        if (towers.at(cell) > towers.at(seed))
          seed = cell;
      }
    }
    return seed;
  }

  // Crystal in the middle of a tower.
  constexpr Cell centreOfTower(const Cell& tower) {
    return {tower.row * kEcalPerHcal + kEcalPerHcal / 2, tower.column * kEcalPerHcal + kEcalPerHcal / 2};
  }

}  // namespace particlevit

#endif
