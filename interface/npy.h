#ifndef RecoE2E_ParticleViT_interface_npy_h
#define RecoE2E_ParticleViT_interface_npy_h

// Reads and writes numpy's .npy files of float32 in C order (format 1.0: magic, header length, Python dict, data).

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace particlevit::test {

  struct Array {
    std::vector<std::size_t> shape;
    std::vector<float> values;
  };

  inline std::size_t product(const std::vector<std::size_t>& shape, std::size_t first = 0) {
    return std::accumulate(shape.begin() + first, shape.end(), std::size_t{1}, std::multiplies<>());
  }

  // Opens a .npy file, checks its type, and leaves the stream at the first value.
  inline std::vector<std::size_t> openNpy(std::ifstream& file, const std::string& path) {
    file.open(path, std::ios::binary);
    char start[10] = {};
    file.read(start, sizeof(start));
    if (!file || std::string(start + 1, 5) != "NUMPY" || start[6] != 1)
      throw std::runtime_error(path + " is no .npy file of format 1.0");
    std::string header(static_cast<unsigned char>(start[8]) + 256u * static_cast<unsigned char>(start[9]), ' ');
    file.read(header.data(), static_cast<std::streamsize>(header.size()));
    const auto shapeAt = header.find("'shape': (");
    if (header.find("'descr': '<f4'") == std::string::npos ||
        header.find("'fortran_order': False") == std::string::npos || shapeAt == std::string::npos)
      throw std::runtime_error(path + " holds " + header + ", expected float32 in C order");
    std::istringstream sizes(header.substr(shapeAt + 10, header.find(')', shapeAt) - shapeAt - 10));
    std::vector<std::size_t> shape;
    for (std::string size; std::getline(sizes, size, ',');)
      if (size.find_first_of("0123456789") != std::string::npos)
        shape.push_back(std::stoul(size));
    return shape;
  }

  inline Array readNpy(const std::string& path) {
    std::ifstream file;
    Array array{openNpy(file, path), {}};
    array.values.resize(product(array.shape));
    file.read(reinterpret_cast<char*>(array.values.data()),
              static_cast<std::streamsize>(array.values.size() * sizeof(float)));
    if (!file)
      throw std::runtime_error(path + " is shorter than its header says");
    return array;
  }

  inline void writeNpy(const std::string& path,
                       const std::vector<std::size_t>& shape,
                       const std::vector<float>& values) {
    if (values.size() != product(shape))
      throw std::runtime_error(path + ": " + std::to_string(values.size()) + " values do not fill the shape");
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    for (auto size : shape)
      header += std::to_string(size) + ",";
    header += "), }";
    header.append(63 - (10 + header.size()) % 64, ' ');
    header += '\n';
    const auto length = static_cast<std::uint16_t>(header.size());
    std::ofstream file(path, std::ios::binary);
    file << "\x93NUMPY" << '\x01' << '\0' << static_cast<char>(length & 0xff) << static_cast<char>(length >> 8)
         << header;
    file.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof(float)));
    if (!file)
      throw std::runtime_error("cannot write " + path);
  }

}  // namespace particlevit::test

#endif
