#ifndef RecoE2E_ParticleViT_SeedFinder_h
#define RecoE2E_ParticleViT_SeedFinder_h

// Where to centre a window.

#include <optional>

#include "RecoE2E/ParticleViT/interface/ImageWindow.h"

namespace particlevit {

  constexpr int kJetSearchWindow = 7;  // towers, along eta and along phi

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

  // Highest tower within 7 x 7 around `start`, which stays the seed unless another tower is higher.
  inline Cell findJetSeed(const DetectorImage& towers, const Cell& start) {
    constexpr int kReach = kJetSearchWindow / 2;
    Cell seed = start;
    for (int row = std::max(start.row - kReach, 0); row <= std::min(start.row + kReach, towers.rows() - 1); ++row)
      for (int offset = -kReach; offset <= kReach; ++offset) {
        const Cell cell{row, wrapColumn(start.column + offset, towers.columns())};
        if (towers.at(cell) > towers.at(seed))
          seed = cell;
      }
    return seed;
  }

  // Crystal in the middle of a tower.
  constexpr Cell centreOfTower(const Cell& tower) {
    return {tower.row * kEcalPerHcal + kEcalPerHcal / 2, tower.column * kEcalPerHcal + kEcalPerHcal / 2};
  }

}  // namespace particlevit

#endif
