// Makes the images of all candidates of a file of events, without CMSSW, as the producers make them.
//
//   makeImages MODEL.json EVENTS.txt IMAGES.npy [STATUS.npy [MIN_TRACK_PT ENDCAP_SCALE]]
//
// The model's description says which images; events.h describes the file. IMAGES is (N, channels, height, width) of the
// candidates that have an image, STATUS (candidates,). The result is one line of JSON.

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "RecoE2E/ParticleViT/interface/EcalCropMaker.h"
#include "RecoE2E/ParticleViT/interface/JetImageMaker.h"
#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"
#include "events.h"
#include "RecoE2E/ParticleViT/interface/npy.h"

using namespace particlevit;
using namespace particlevit::test;

namespace {
  struct Result {
    std::vector<float> images;
    std::vector<float> status;
    unsigned long long unknownHits = 0;
  };

  void append(const EventImages& event, Result& result) {
    result.images.insert(result.images.end(), event.images.begin(), event.images.end());
    result.status.insert(result.status.end(), event.status.begin(), event.status.end());
  }

  Result makeCrops(const ImageDescription& image, const std::vector<HitEvent>& events) {
    EcalCropMaker maker(image);
    Result result;
    for (const auto& event : events)
      append(maker.make(event.candidates, [&event] { return event.hits.barrel; }), result);
    result.unknownHits = maker.unknownHits();
    return result;
  }

  Result makeJets(const ImageDescription& image, const std::vector<HitEvent>& events, const JetImageOptions& options) {
    JetImageMaker maker(image, options);
    Result result;
    for (const auto& event : events)
      append(maker.make(event.candidates, [&event] { return event.hits; }), result);
    result.unknownHits = maker.unknownHits();
    return result;
  }
}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4 && argc != 5 && argc != 7)
    throw std::invalid_argument(
        "usage: makeImages MODEL.json EVENTS.txt IMAGES.npy [STATUS.npy [MIN_TRACK_PT ENDCAP_SCALE]]");
  const auto image = readDescription(argv[1]).image;
  const auto events = readEvents(argv[2]);
  JetImageOptions options;
  if (argc == 7)
    options = {std::stof(argv[5]), std::stof(argv[6])};
  const bool jets = image.jetSeed != JetSeed::kNone;
  const Result result = jets ? makeJets(image, events, options) : makeCrops(image, events);

  const auto shape = image.shape();
  const std::size_t images = shape.count(result.images.size());
  const auto size = [](int value) { return static_cast<std::size_t>(value); };
  writeNpy(argv[3], {images, size(shape.channels), size(shape.height), size(shape.width)}, result.images);
  if (argc > 4)
    writeNpy(argv[4], {result.status.size()}, result.status);
  std::cout << "{\"events\": " << events.size() << ", \"candidates\": " << result.status.size()
            << ", \"images\": " << images << ", \"unknown_hits\": " << result.unknownHits << ", \"status\": {";
  for (std::size_t value = 0; value < Names<Status>::kAll.size(); ++value)
    std::cout << (value > 0 ? ", " : "") << '"' << value
              << "\": " << std::count(result.status.begin(), result.status.end(), static_cast<float>(value));
  std::cout << "}}\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << "makeImages: " << error.what() << '\n';
  return 2;
}
