#ifndef RecoE2E_ParticleViT_data_programs_score_h
#define RecoE2E_ParticleViT_data_programs_score_h

// What scoreOnnx and scoreTorch share: arguments, the loop over batches, latency and memory.
//
//   scoreOnnx MODEL IMAGES.npy SCORES.npy [BATCH]
//
// One session, one thread. The result is one line of JSON: events, batch, latency per call in ms (median, p95 and
// mean of the full batches, after warm-up), ms per event, and the peak of the resident memory in MB.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"
#include "RecoE2E/ParticleViT/interface/npy.h"

namespace particlevit::test {

  constexpr int kWarmUpCalls = 10;

  // Value below which `fraction` of the sorted values lie.
  inline double quantile(const std::vector<double>& sorted, double fraction) {
    const auto index = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(sorted.size())));
    return sorted[std::min(std::max<std::size_t>(index, 1), sorted.size()) - 1];
  }

  // Of this process alone: ru_maxrss begins with the peak of the process that started it, so it is the last resort.
  inline double peakMemoryMB() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("VmHWM:", 0) == 0)
        return std::stod(line.substr(6)) / 1024.;
    }
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024.;
  }

  inline void printResult(std::size_t events, std::size_t batch, std::vector<double> milliseconds) {
    std::sort(milliseconds.begin(), milliseconds.end());
    const double sum = std::accumulate(milliseconds.begin(), milliseconds.end(), 0.);
    const double median = quantile(milliseconds, 0.5);
    std::cout << "{\"events\": " << events << ", \"batch\": " << batch << ", \"calls\": " << milliseconds.size()
              << ", \"latency_ms\": {\"median\": " << median << ", \"p95\": " << quantile(milliseconds, 0.95)
              << ", \"mean\": " << sum / static_cast<double>(milliseconds.size())
              << "}, \"per_event_ms\": " << median / static_cast<double>(batch)
              << ", \"peak_rss_mb\": " << peakMemoryMB() << "}\n";
  }

  // Loads the model, scores all images and reports. `Model(path, metadata)` has
  // `const std::vector<float>& run(std::vector<float>& tensor, std::int64_t images)`.
  template <typename Model>
  int scoreFile(int argc, char** argv) try {
    using Clock = std::chrono::steady_clock;
    if (argc != 4 && argc != 5)
      throw std::invalid_argument("usage: MODEL IMAGES.npy SCORES.npy [BATCH]");
    const std::string modelPath = argv[1];
    const std::size_t batch = argc == 5 ? std::stoul(argv[4]) : 1;
    const auto metadata = readMetadata(modelPath);
    const auto shape = metadata.image.shape();
    const Array images = readNpy(argv[2]);
    if (images.shape.size() != 4 || product(images.shape, 1) != shape.size())
      throw std::invalid_argument(std::string(argv[2]) + " does not hold images of " + describe(metadata.image));

    Model model(modelPath, metadata);
    const std::size_t classes = metadata.classes.size();
    TensorPacker packer(shape, batch);
    std::vector<float> probabilities;
    std::vector<float> first(images.values.begin(),
                             images.values.begin() + std::min(images.values.size(), batch * shape.size()));
    const auto run = [&model](auto& tensor, std::int64_t n) -> const std::vector<float>& {
      return model.run(tensor, n);
    };
    for (int i = 0; i < kWarmUpCalls; ++i)
      scoreImages(first, shape, classes, packer, run, probabilities);

    std::vector<double> milliseconds;
    const auto timed = [&](std::vector<float>& tensor, std::int64_t n) -> const std::vector<float>& {
      const auto start = Clock::now();
      const auto& scores = model.run(tensor, n);
      if (static_cast<std::size_t>(n) == batch)
        milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
      return scores;
    };
    const auto skipped = scoreImages(images.values, shape, classes, packer, timed, probabilities);
    if (skipped > 0)
      std::cerr << skipped << " images have values that are not finite: their scores are " << kNoScore << '\n';
    if (milliseconds.empty())
      throw std::invalid_argument(std::string(argv[2]) + " has fewer usable images than one batch of " +
                                  std::to_string(batch));
    writeNpy(argv[3], {images.shape[0], classes}, probabilities);
    printResult(images.shape[0], batch, milliseconds);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 2;
  }

}  // namespace particlevit::test

#endif
