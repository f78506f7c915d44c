#include "catch.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "RecoE2E/ParticleViT/interface/MonitorHistograms.h"

using namespace particlevit;

namespace {
  // Two channels of 2 x 3 cells, classes photon and electron.
  ModelMetadata model() {
    ModelMetadata model;
    model.image.channels = {{"energy", "GeV", ChannelKind::kEnergy}, {"time", "ns", ChannelKind::kTime}};
    model.image.window = {2, 3, {0, 0}};
    model.classes = {"photon", "electron"};
    return model;
  }

  double sum(const Histogram& histogram) {
    return std::accumulate(histogram.contents().begin(), histogram.contents().end(), 0.);
  }

  // Content of the bin that a value belongs to.
  double at(const Histogram& histogram, double value) {
    Histogram one(histogram.edges());
    one.fill(value);
    double content = 0.;
    for (std::size_t i = 0; i < one.contents().size(); ++i)
      content += one.contents()[i] * histogram.contents()[i];
    return content;
  }
}  // namespace

TEST_CASE("A bin includes its lower edge, and nothing is lost", "[MonitorHistograms]") {
  Histogram histogram({0., 1., 2.});
  for (const double value : {-1., 0., 0.5, 1., 2., 7.})
    histogram.fill(value);
  CHECK(histogram.contents() == std::vector<double>{1., 2., 1., 2.});
}

TEST_CASE("Edges rise and cover all values", "[MonitorHistograms]") {
  for (const std::size_t cells : {1u, 6u, 16u, 1024u, 15625u}) {
    const auto edges = occupancyEdges(cells);
    CHECK(edges.front() == 0.);
    CHECK(edges.back() == cells + 1.);
    CHECK(std::adjacent_find(edges.begin(), edges.end(), std::greater_equal<>()) == edges.end());
  }
  for (const bool withNegative : {false, true}) {
    const auto edges = totalEdges(withNegative);
    CHECK(edges.front() == (withNegative ? -1e5 : 0.));
    CHECK(edges.back() == 1e5);
    CHECK(std::adjacent_find(edges.begin(), edges.end(), std::greater_equal<>()) == edges.end());
  }
}

TEST_CASE("Sums of two images", "[MonitorHistograms]") {
  MonitorHistograms histograms(model());
  const std::vector<float> images = {1, 0, 2, 0, 0, 0, -1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  histograms.fill(images, {0, 2}, {0, 1, 0}, {0.25f, 0.75f, 1.f, 0.f});
  CHECK(histograms.counts() == std::vector<double>{1., 3., 2., 2.});
  const auto& energy = histograms.channels().at(0);
  CHECK(energy.sums == std::vector<double>{4., 0., 2., 0., 0., 0.});
  CHECK(energy.squares == std::vector<double>{10., 0., 4., 0., 0., 0.});
  CHECK(energy.cells == std::vector<double>{2., 0., 1., 0., 0., 0.});
  CHECK(at(energy.occupancy, 1.) == 1.);
  CHECK(at(energy.occupancy, 2.) == 1.);
  CHECK(at(energy.total, 3.01) == 2.);
  CHECK(at(histograms.channels().at(1).total, -0.99) == 1.);  // -1 is an edge
  CHECK(at(histograms.channels().at(1).occupancy, 0.) == 1.);
  CHECK(at(histograms.scores().at(0), 0.999) == 1.);  // 1 belongs into the last bin
  CHECK(at(histograms.scores().at(1), 0.755) == 1.);
  CHECK(at(histograms.status(), 0.) == 2.);
  CHECK(at(histograms.status(), 1.) == 1.);
  CHECK(at(histograms.candidates(), 3.) == 1.);
}

TEST_CASE("A score that is not finite is a status, and its image is kept", "[MonitorHistograms]") {
  MonitorHistograms histograms(model());
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  histograms.fill(std::vector<float>(24, 1.f), {0, 1}, {0, 0}, {nan, 0.5f, kNoScore, kNoScore});
  CHECK(histograms.counts() == std::vector<double>{1., 2., 2., 0.});
  CHECK(at(histograms.status(), 6.) == 2.);
  CHECK(sum(histograms.scores().at(0)) == 0.);
  CHECK(sum(histograms.channels().at(0).total) == 2.);
}

TEST_CASE("An event without images fills counts only", "[MonitorHistograms]") {
  MonitorHistograms histograms(model());
  histograms.fill({}, {}, {1, 3}, {});
  histograms.fill({}, {}, {}, {});
  CHECK(histograms.counts() == std::vector<double>{2., 2., 0., 0.});
  CHECK(sum(histograms.channels().at(0).occupancy) == 0.);
  CHECK(sum(histograms.images()) == 2.);
}

TEST_CASE("Numbers that do not agree are refused", "[MonitorHistograms]") {
  MonitorHistograms histograms(model());
  CHECK_THROWS_WITH(histograms.fill(std::vector<float>(12), {0, 1}, {0, 0}, {1.f, 0.f, 1.f, 0.f}),
                    containsText("1 images of 2 candidates"));
  CHECK_THROWS_WITH(histograms.fill(std::vector<float>(12), {0}, {0}, {1.f}), containsText("expected 2 classes each"));
  CHECK_THROWS(histograms.fill(std::vector<float>(12), {3}, {0}, {kNoScore, kNoScore}));
  CHECK_THROWS_WITH(histograms.fill(std::vector<float>(7), {}, {}, {}), containsText("a multiple of 2 x 2 x 3"));
}
