#include "catch.h"

#include <cstdio>
#include <fstream>
#include <limits>
#include <string>

#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"

using namespace particlevit;

namespace {
  const std::string kModel = R"({
    "format_version": 2, "name": "vit",
    "image": {"height": 32, "width": 30, "seed": [16, 15], "grid": {"kind": "crystals"}, "tier": "reduced",
      "channels": [{"name": "energy", "unit": "GeV", "kind": "energy"}, {"name": "time", "unit": "ns", "kind": "time"}],
      "track_position": "none", "jet_seed": "none",
      "domain": {"pt": [10.0, null], "abs_eta": [0.0, 1.44], "seed_rows": [71, 208]}},
    "classes": ["photon", "electron"], "input": "image", "output": "probabilities",
    "working_points": {"electron": {"0.01": 0.9, "0.05": 0.7, "0.10": 0.5}}, "metrics": {"auc": 0.8},
    "onnx": {"file": "model.onnx", "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}})";

  // A model "abc" and its description, removed at the end of the test.
  class Export {
  public:
    explicit Export(const std::string& description, const std::string& model = "abc") {
      std::ofstream(kJson) << description;
      std::ofstream(kFile) << model;
    }
    Export(const Export&) = delete;
    Export& operator=(const Export&) = delete;
    ~Export() {
      std::remove(kJson);
      std::remove(kFile);
    }

    static constexpr const char* kFile = "testModelMetadata.onnx";
    static constexpr const char* kJson = "testModelMetadata.json";
  };

  ModelMetadata read(const std::string& description, const std::string& model = "abc") {
    const Export files(description, model);
    return readMetadata(Export::kFile);
  }

  // The description with one part replaced.
  std::string with(const std::string& old, const std::string& replacement) {
    std::string text = kModel;
    return text.replace(text.find(old), old.size(), replacement);
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
  CHECK(model.classes == std::vector<std::string>{"photon", "electron"});
  CHECK(model.image.shape().size() == 2 * 32 * 30);
  CHECK(model.image.channels.at(1).name == "time");
  CHECK(model.image.channels.at(1).unit == "ns");
  CHECK(model.image.channels.at(1).kind == ChannelKind::kTime);
  CHECK(model.image.window.seed == Cell{16, 15});
  CHECK(model.image.grid == Grid::kCrystals);
  CHECK(model.image.tier == Tier::kReduced);
  CHECK(model.image.trackPosition == TrackPosition::kNone);
  CHECK(model.image.jetSeed == JetSeed::kNone);
  CHECK(model.image.domain.pt.low == 10.);
  CHECK(model.image.domain.pt.high == std::numeric_limits<double>::infinity());
  CHECK(model.image.domain.absEta.high == 1.44);
  CHECK(model.image.domain.seedRows.high == 208.);
  CHECK(model.workingPoints.at("electron") == std::vector<double>{0.5, 0.7, 0.9});
  CHECK(model.workingPoints.count("photon") == 0);
}

TEST_CASE("Limits and working points may be absent", "[ModelMetadata]") {
  const auto model = read(
      with(R"("domain": {"pt": [10.0, null], "abs_eta": [0.0, 1.44], "seed_rows": [71, 208]})", R"("domain": {})"));
  CHECK(model.image.domain.pt.contains(0.));
  CHECK(model.image.domain.seedRows.contains(1000.));
  CHECK(read(with(R"("working_points": {"electron": {"0.01": 0.9, "0.05": 0.7, "0.10": 0.5}}, )", ""))
            .workingPoints.empty());
}

TEST_CASE("A grid in eta and phi has its half widths", "[ModelMetadata]") {
  const auto model =
      read(with(R"({"kind": "crystals"})", R"({"kind": "eta_phi", "eta_half_width": 0.8, "phi_half_width": 0.7})"));
  CHECK(model.image.etaHalfWidth == 0.8);
  CHECK(model.image.phiHalfWidth == 0.7);
  CHECK_THROWS_WITH(read(with(R"("crystals")", R"("eta_phi")")), containsText("lacks image.grid.eta_half_width"));
}

TEST_CASE("A missing, torn, old or foreign description is refused by name", "[ModelMetadata]") {
  CHECK_THROWS_WITH(readMetadata("missing/model.onnx"), containsText("missing/model.json"));
  CHECK_THROWS_WITH(read(kModel.substr(0, 60)), containsText(Export::kJson));
  CHECK_THROWS_WITH(read(""), containsText(Export::kJson));
  CHECK_THROWS_WITH(read("[2]"), containsText("it is no JSON object"));
  CHECK_THROWS_WITH(read("{}"), containsText("it lacks format_version"));
  CHECK_THROWS_WITH(read(R"({"format_version": 1})"),
                    containsText("format_version 1, expected 2; export the run again with this version"));
  CHECK_THROWS_WITH(read(R"({"format_version": "2"})"), containsText("format_version: "));
  CHECK_THROWS_WITH(read(R"({"format_version": 2})"), containsText("it lacks image"));
}

TEST_CASE("Each part of a wrong image is named", "[ModelMetadata]") {
  CHECK_THROWS_WITH(read(with("[16, 15]", "[32, 15]")), containsText("image.seed is no cell of 32 x 30"));
  CHECK_THROWS_WITH(read(with("[16, 15]", "[16]")), containsText("image.seed"));
  CHECK_THROWS_WITH(read(with("\"seed\": [16, 15], ", "")), containsText("it lacks image.seed"));
  CHECK_THROWS_WITH(read(with("\"height\": 32", "\"height\": 0")), containsText("images of 0 x 30 cells"));
  CHECK_THROWS_WITH(read(with("\"tier\": \"reduced\"", "\"tier\": \"AOD\"")),
                    containsText("image.tier is 'AOD', expected one of [full, reduced, mini, particles]"));
  CHECK_THROWS_WITH(read(with("\"kind\": \"time\"", "\"kind\": \"ns\"")), containsText("image.channels.kind is 'ns'"));
  CHECK_THROWS_WITH(read(with("[10.0, null]", "[10.0]")), containsText("image.domain.pt is not [low, high]"));
  CHECK_THROWS_WITH(read(with("[10.0, null]", "[\"10\", null]")), containsText("image.domain.pt"));
  CHECK_THROWS_WITH(read(with(R"(["photon", "electron"])", "[]")), containsText("classes is empty"));
}

TEST_CASE("A model file that is not the described one is refused", "[ModelMetadata]") {
  CHECK_THROWS_WITH(read(kModel, "abd"),
                    containsText("testModelMetadata.onnx has the checksum a52d159f262b2c6ddb724a61840befc3") &&
                        containsText("ba7816bf8f01cfea414140de5dae2223") && containsText("export the run again"));
  CHECK_THROWS_WITH(read(with("\"sha256\"", "\"md5\"")), containsText("describes files with []"));
  const Export files(kModel);
  std::remove(Export::kFile);
  CHECK_THROWS_WITH(readMetadata(Export::kFile), containsText("cannot read testModelMetadata.onnx"));
}
