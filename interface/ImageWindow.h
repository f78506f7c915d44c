#ifndef RecoE2E_ParticleViT_ImageWindow_h
#define RecoE2E_ParticleViT_ImageWindow_h

// Detector images, and windows cut from them: iphi (columns) wraps around, ieta (rows) is padded with zeros.

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "RecoE2E/ParticleViT/interface/Geometry.h"

namespace particlevit {

  // A dense image whose memory is used again for every event.
  class DetectorImage {
  public:
    DetectorImage(int rows, int columns) : rows_(rows), columns_(columns) {
      if (rows < 1 || columns < 1)
        throw std::invalid_argument("a detector image needs rows and columns; got " + std::to_string(rows) + " x " +
                                    std::to_string(columns));
      values_.assign(static_cast<std::size_t>(rows) * columns, 0.f);
    }

    int rows() const { return rows_; }
    int columns() const { return columns_; }
    const std::vector<float>& values() const { return values_; }
    float at(const Cell& cell) const { return values_[index(cell)]; }

    void clear() { std::fill(values_.begin(), values_.end(), 0.f); }
    void set(const Cell& cell, float value) { values_[index(cell)] = value; }
    void add(const Cell& cell, float value) { values_[index(cell)] += value; }
    void raise(const Cell& cell, float value) {
      auto& present = values_[index(cell)];
      if (value > present)
        present = value;
    }
    const float* row(int row) const { return values_.data() + static_cast<std::size_t>(row) * columns_; }

  private:
    std::size_t index(const Cell& cell) const {
      if (cell.row < 0 || cell.row >= rows_ || cell.column < 0 || cell.column >= columns_)
        throw std::out_of_range("cell (" + std::to_string(cell.row) + ", " + std::to_string(cell.column) +
                                ") is outside of the " + std::to_string(rows_) + " x " + std::to_string(columns_) +
                                " image");
      return static_cast<std::size_t>(cell.row) * columns_ + cell.column;
    }

    int rows_;
    int columns_;
    std::vector<float> values_;
  };

  // A window that is cut around a seed, and the cell of the window where that seed comes to lie.
  struct Window {
    int height;
    int width;
    Cell seed;

    constexpr std::size_t size() const { return static_cast<std::size_t>(height) * width; }

    // Whether all rows lie within an image of `rows` rows if the seed is in its row `row`.
    constexpr bool inside(int row, int rows) const { return row - seed.row >= 0 && row - seed.row + height <= rows; }
  };

  // Writes the window around the cell `seed` of the image to `out`: size() values, row by row.
  inline void cropWindow(const DetectorImage& image, const Cell& seed, const Window& window, float* out) {
    const int width = window.width;
    const int top = seed.row - window.seed.row;
    const int left = seed.column - window.seed.column;
    for (int i = 0; i < window.height; ++i, out += width) {
      const int row = top + i;
      if (row < 0 || row >= image.rows()) {
        std::fill(out, out + width, 0.f);
        continue;
      }
      const float* source = image.row(row);
      for (int j = 0; j < width;) {
        const int column = wrapColumn(left + j, image.columns());
        const int length = std::min(width - j, image.columns() - column);
        std::copy(source + column, source + column + length, out + j);
        j += length;
      }
    }
  }

  // Spreads each tower evenly over its 5 x 5 crystals: 56 x 72 -> 280 x 360.
  inline void upsampleTowers(const DetectorImage& towers, DetectorImage& crystals) {
    if (crystals.rows() != towers.rows() * kEcalPerHcal || crystals.columns() != towers.columns() * kEcalPerHcal)
      throw std::invalid_argument("towers of " + std::to_string(towers.rows()) + " x " +
                                  std::to_string(towers.columns()) + " do not fit crystals of " +
                                  std::to_string(crystals.rows()) + " x " + std::to_string(crystals.columns()));
    for (int row = 0; row < crystals.rows(); ++row)
      for (int column = 0; column < crystals.columns(); ++column)
        crystals.set({row, column},
                     towers.at({row / kEcalPerHcal, column / kEcalPerHcal}) / (kEcalPerHcal * kEcalPerHcal));
  }

}  // namespace particlevit

#endif
