#ifndef RecoE2E_ParticleViT_Sha256_h
#define RecoE2E_ParticleViT_Sha256_h

// SHA-256 (FIPS 180-4), with which a model's description names the file that it describes. Own code, since no tool of
// CMSSW that would be everywhere has it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace particlevit {

  class Sha256 {
  public:
    void update(const char* data, std::size_t size) {
      length_ += size;
      while (size > 0) {
        const std::size_t part = std::min(size, block_.size() - filled_);
        std::memcpy(block_.data() + filled_, data, part);
        filled_ += part;
        data += part;
        size -= part;
        if (filled_ == block_.size())
          compress();
      }
    }

    // Checksum of all that was given so far, 64 hexadecimal digits; nothing may be added afterwards.
    std::string digest() {
      const std::uint64_t bits = 8 * length_;
      const char one = '\x80';
      const char zero = '\0';
      update(&one, 1);
      while (filled_ != block_.size() - sizeof(bits))
        update(&zero, 1);
      for (int shift = 56; shift >= 0; shift -= 8)
        block_[filled_++] = static_cast<unsigned char>(bits >> shift);
      compress();
      std::string text;
      for (const std::uint32_t word : state_)
        for (int shift = 28; shift >= 0; shift -= 4)
          text += "0123456789abcdef"[(word >> shift) & 0xf];
      return text;
    }

  private:
    static constexpr std::uint32_t rotate(std::uint32_t word, int bits) {
      return (word >> bits) | (word << (32 - bits));
    }

    void compress() {
      std::array<std::uint32_t, 64> w{};
      for (int t = 0; t < 16; ++t)
        for (int byte = 0; byte < 4; ++byte)
          w[t] = (w[t] << 8) | block_[4 * t + byte];
      for (int t = 16; t < 64; ++t) {
        const std::uint32_t early = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ (w[t - 15] >> 3);
        const std::uint32_t late = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ (w[t - 2] >> 10);
        w[t] = w[t - 16] + early + w[t - 7] + late;
      }
      auto [a, b, c, d, e, f, g, h] = state_;
      for (int t = 0; t < 64; ++t) {
        const std::uint32_t first =
            h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + kConstants[t] + w[t];
        const std::uint32_t second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
      }
      const std::array<std::uint32_t, 8> round = {{a, b, c, d, e, f, g, h}};
      for (std::size_t i = 0; i < state_.size(); ++i)
        state_[i] += round[i];
      filled_ = 0;
    }

    // clang-format off
    static constexpr std::array<std::uint32_t, 64> kConstants = {{
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2}};
    // clang-format on

    std::array<std::uint32_t, 8> state_ = {
        {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
    std::array<unsigned char, 64> block_{};
    std::size_t filled_ = 0;
    std::uint64_t length_ = 0;
  };

  inline std::string sha256(const std::string& data) {
    Sha256 sum;
    sum.update(data.data(), data.size());
    return sum.digest();
  }

  inline std::string sha256OfFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    Sha256 sum;
    std::vector<char> buffer(std::size_t{1} << 16);
    while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0)
      sum.update(buffer.data(), static_cast<std::size_t>(file.gcount()));
    if (file.bad() || !file.eof())
      throw std::runtime_error("cannot read " + path);
    return sum.digest();
  }

}  // namespace particlevit

#endif
