#include "catch.h"

#include <cstdio>
#include <fstream>
#include <string>

#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"

using namespace particlevit;

namespace {
  constexpr const char* kModel = R"({
    "format_version": 1, "name": "vit",
    "image": {"channels": ["energy", "time"], "units": ["GeV", "ns"], "height": 32, "width": 32},
    "classes": ["photon", "electron"], "input": "image", "output": "probabilities",
    "working_points": {"electron": {"0.01": 0.9, "0.05": 0.7, "0.10": 0.5}}})";

  // A description that is removed at the end of the test.
  class Description {
  public:
    explicit Description(const std::string& content) { std::ofstream(kPath) << content; }
    Description(const Description&) = delete;
    Description& operator=(const Description&) = delete;
    ~Description() { std::remove(kPath); }

  private:
    static constexpr const char* kPath = "testModelMetadata.json";
  };

  ModelMetadata read(const std::string& content) {
    const Description description(content);
    return readMetadata("testModelMetadata.onnx");
  }
}  // namespace

TEST_CASE("The description lies beside the model", "[ModelMetadata]") {
  CHECK(metadataPath("a.b/model.onnx") == "a.b/model.json");
  CHECK(metadataPath("a.b/model.pt") == "a.b/model.json");
  CHECK(metadataPath("a.b/model") == "a.b/model.json");
  CHECK(metadataPath("model.v2.onnx") == "model.v2.json");
}

TEST_CASE("A description is read", "[ModelMetadata]") {
  const auto model = read(kModel);
  CHECK(model.name == "vit");
  CHECK(model.input == "image");
  CHECK(model.output == "probabilities");
  CHECK(model.contract.channels == std::vector<std::string>{"energy", "time"});
  CHECK(model.contract.units == std::vector<std::string>{"GeV", "ns"});
  CHECK(model.contract.classes == std::vector<std::string>{"photon", "electron"});
  CHECK(model.contract.shape().size() == 2 * 32 * 32);
  CHECK(model.workingPoints.at("electron") == std::vector<double>{0.5, 0.7, 0.9});
  CHECK(model.workingPoints.count("photon") == 0);
}

TEST_CASE("Images that fit are accepted, any difference is refused with both sides", "[ModelMetadata]") {
  const auto model = read(kModel);
  ImageContract own{{"energy", "time"}, {"GeV", "ns"}, 32, 32, {"photon", "electron"}};
  CHECK_NOTHROW(requireMatch(own, model));

  auto swapped = own;
  swapped.channels = {"time", "energy"};
  CHECK_THROWS_WITH(requireMatch(swapped, model), containsText("[energy, time]") && containsText("[time, energy]"));
  auto larger = own;
  larger.height = 125;
  CHECK_THROWS_WITH(requireMatch(larger, model), containsText("32 x 32") && containsText("125 x 32"));
  auto others = own;
  others.classes = {"gluon", "quark"};
  CHECK_THROWS_WITH(requireMatch(others, model), containsText("[photon, electron]") && containsText("[gluon, quark]"));
  auto scaled = own;
  scaled.units = {"MeV", "ns"};
  CHECK_THROWS_WITH(requireMatch(scaled, model), containsText("[GeV, ns]") && containsText("[MeV, ns]"));
}

TEST_CASE("A missing, torn or foreign description is refused by name", "[ModelMetadata]") {
  CHECK_THROWS_WITH(readMetadata("missing/model.onnx"), containsText("missing/model.json"));
  CHECK_THROWS_WITH(read(std::string(kModel).substr(0, 60)), containsText("testModelMetadata.json"));
  CHECK_THROWS_WITH(read("{\"format_version\": 2}"), containsText("format_version 2, expected 1"));
  CHECK_THROWS_WITH(read("{\"format_version\": 1}"), containsText("image.channels"));
}
