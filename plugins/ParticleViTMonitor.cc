// Histograms of scores, status, occupancy and mean images of one model, for the comparison with the images that it was
// trained on (scripts/explore.py). Plain ROOT: the file needs neither DQMServices nor TFileService, has the same
// content in every release, and hadd joins those of many jobs. plugins/README.md documents it.

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <TDirectory.h>
#include <TFile.h>
#include <TH1.h>
#include <TH2.h>
#include <TObjString.h>

#include <nlohmann/json.hpp>

#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/MakerMacros.h"
#include "FWCore/Framework/interface/one/EDAnalyzer.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/EDGetToken.h"
#include "FWCore/Utilities/interface/Exception.h"
#include "FWCore/Utilities/interface/InputTag.h"
#include "RecoE2E/ParticleViT/interface/MonitorHistograms.h"
#include "RecoE2E/ParticleViT/plugins/imagesOfModel.h"
#include "RecoE2E/ParticleViT/plugins/modelParameters.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"

class ParticleViTMonitor : public edm::one::EDAnalyzer<> {
public:
  explicit ParticleViTMonitor(const edm::ParameterSet& config)
      : metadata_(particlevit::readModel(config)),
        images_(config, consumesCollector(), metadata_.image),
        candidatesToken_(consumes<std::vector<int>>(config.getParameter<edm::InputTag>("candidates"))),
        statusToken_(consumes<std::vector<int>>(config.getParameter<edm::InputTag>("status"))),
        probabilitiesToken_(consumes<std::vector<float>>(config.getParameter<edm::InputTag>("probabilities"))),
        label_(config.getParameter<std::string>("@module_label")),
        tier_(particlevit::translateErrors("ParticleViTModel",
                                           [&config] {
                                             return particlevit::nameOf(particlevit::valueOf<particlevit::Tier>(
                                                 config.getParameter<std::string>("tier"), "tier"));
                                           })),
        path_(config.getUntrackedParameter<std::string>("file")),
        histograms_(metadata_) {}

  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions);
  void analyze(const edm::Event& event, const edm::EventSetup&) override;
  void beginJob() override;
  void endJob() override;

private:
  std::string describeContent() const;
  void write(TDirectory& folder) const;

  const particlevit::ModelMetadata metadata_;
  const particlevit::ImagesOfModel images_;
  const edm::EDGetTokenT<std::vector<int>> candidatesToken_;
  const edm::EDGetTokenT<std::vector<int>> statusToken_;
  const edm::EDGetTokenT<std::vector<float>> probabilitiesToken_;
  const std::string label_;
  const std::string tier_;
  const std::string path_;
  particlevit::MonitorHistograms histograms_;
};

namespace {
  constexpr int kLayoutVersion = 1;

  std::string lettersOf(const std::string& name) {
    std::string letters;
    std::copy_if(
        name.begin(), name.end(), std::back_inserter(letters), [](unsigned char c) { return std::isalnum(c); });
    return letters;
  }

  template <typename Object>
  void put(TDirectory& folder, Object& object, const std::string& name) {
    if (folder.WriteTObject(&object, name.c_str()) == 0)
      throw cms::Exception("ParticleViTMonitor") << "cannot write " << name << " to " << folder.GetPath();
  }

  TH1D makeHistogram(const particlevit::Histogram& from, const std::string& name, const std::string& titles) {
    const auto& edges = from.edges();
    TH1D histogram(name.c_str(), titles.c_str(), static_cast<int>(edges.size()) - 1, edges.data());
    double entries = 0.;
    for (std::size_t bin = 0; bin < from.contents().size(); ++bin) {
      histogram.SetBinContent(static_cast<int>(bin), from.contents()[bin]);
      entries += from.contents()[bin];
    }
    histogram.SetEntries(entries);
    return histogram;
  }

  void putHistogram(TDirectory& folder,
                    const particlevit::Histogram& from,
                    const std::string& name,
                    const std::string& titles) {
    auto histogram = makeHistogram(from, name, titles);
    put(folder, histogram, name);
  }

  template <typename Labels>
  void putLabelled(TDirectory& folder, TH1D& histogram, const std::string& name, const Labels& labels) {
    for (std::size_t i = 0; i < labels.size(); ++i)
      histogram.GetXaxis()->SetBinLabel(static_cast<int>(i) + 1, std::string(labels[i]).c_str());
    put(folder, histogram, name);
  }

  // Contents and, if given, sums of squares; x is the column, y the row.
  void putImage(TDirectory& folder,
                const particlevit::ImageShape& shape,
                const std::vector<double>& contents,
                const std::vector<double>* squares,
                double entries,
                const std::string& name,
                const std::string& titles) {
    TH2D image(name.c_str(), titles.c_str(), shape.width, 0., shape.width, shape.height, 0., shape.height);
    if (squares != nullptr)
      image.Sumw2();
    for (int row = 0; row < shape.height; ++row)
      for (int column = 0; column < shape.width; ++column) {
        const int bin = image.GetBin(column + 1, row + 1);
        const std::size_t cell = static_cast<std::size_t>(row) * shape.width + column;
        image.SetBinContent(bin, contents[cell]);
        if (squares != nullptr)
          image.GetSumw2()->SetAt((*squares)[cell], bin);
      }
    image.SetEntries(entries);
    put(folder, image, name);
  }

  // Histograms are written where they are told to, and belong to nobody else.
  class NoDirectory {
  public:
    NoDirectory() : before_(TH1::AddDirectoryStatus()) { TH1::AddDirectory(false); }
    ~NoDirectory() { TH1::AddDirectory(before_); }
    NoDirectory(const NoDirectory&) = delete;
    NoDirectory& operator=(const NoDirectory&) = delete;

  private:
    const bool before_;
  };
}  // namespace

void ParticleViTMonitor::fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
  edm::ParameterSetDescription desc;
  particlevit::describeImages(desc);
  desc.add<edm::InputTag>("candidates", edm::InputTag("particleViTEcalCropProducer", "candidates"))
      ->setComment("for each image, the index of its candidate");
  desc.add<edm::InputTag>("status", edm::InputTag("particleViTEcalCropProducer", "status"))
      ->setComment("for each candidate, why it has an image or none");
  desc.add<edm::InputTag>("probabilities", edm::InputTag("particleViTONNXProducer"))
      ->setComment("for each image, one probability per class");
  desc.add<std::string>("tier", "reduced")->setComment("tier of the hits, of which the file has one folder each");
  desc.addUntracked<std::string>("file", "particleViTMonitor.root")
      ->setComment("where the histograms go; each module needs a file of its own, hadd joins them");
  particlevit::describeModel(desc);
  descriptions.addWithDefaultLabel(desc);
}

void ParticleViTMonitor::analyze(const edm::Event& event, const edm::EventSetup&) {
  particlevit::translateErrors("ParticleViTImages", [&] {
    histograms_.fill(
        images_.get(event), event.get(candidatesToken_), event.get(statusToken_), event.get(probabilitiesToken_));
  });
}

std::string ParticleViTMonitor::describeContent() const {
  const auto& image = metadata_.image;
  nlohmann::json content = {{"version", kLayoutVersion},
                            {"label", label_},
                            {"tier", tier_},
                            {"model", metadata_.name},
                            {"sha256", metadata_.checksums},
                            {"description", particlevit::describe(image)},
                            {"classes", metadata_.classes},
                            {"channels", nlohmann::json::array()},
                            {"height", image.window.height},
                            {"width", image.window.width},
                            {"seed", {image.window.seed.row, image.window.seed.column}},
                            {"working_points", metadata_.workingPoints}};
  for (const auto& channel : image.channels)
    content["channels"].push_back(
        {{"name", channel.name}, {"unit", channel.unit}, {"kind", particlevit::nameOf(channel.kind)}});
  return content.dump();
}

void ParticleViTMonitor::write(TDirectory& folder) const {
  TObjString content(describeContent().c_str());
  put(folder, content, "metadata");
  const std::vector<std::string> names = {"events", "candidates", "images", "scored"};
  TH1D counts("counts", "", static_cast<int>(names.size()), -0.5, static_cast<double>(names.size()) - 0.5);
  for (std::size_t i = 0; i < names.size(); ++i)
    counts.SetBinContent(static_cast<int>(i) + 1, histograms_.counts()[i]);
  putLabelled(folder, counts, "counts", names);
  putHistogram(folder, histograms_.candidates(), "candidates", ";candidates;events");
  putHistogram(folder, histograms_.images(), "images", ";images;events");
  auto status = makeHistogram(histograms_.status(), "status", ";;candidates");
  putLabelled(folder, status, "status", particlevit::Names<particlevit::Status>::kAll);
  for (std::size_t k = 0; k < metadata_.classes.size(); ++k)
    putHistogram(folder,
                 histograms_.scores()[k],
                 "score_" + lettersOf(metadata_.classes[k]),
                 ";" + metadata_.classes[k] + " score;images");
  const auto shape = metadata_.image.shape();
  const double images = histograms_.counts()[2];
  for (std::size_t c = 0; c < metadata_.image.channels.size(); ++c) {
    const auto& channel = metadata_.image.channels[c];
    const auto& found = histograms_.channels()[c];
    const auto name = lettersOf(channel.name);
    const auto quantity = channel.name + " [" + channel.unit + "]";
    putHistogram(folder, found.occupancy, "occupancy_" + name, ";cells with " + channel.name + ";images");
    putHistogram(folder, found.total, "total_" + name, ";sum of " + quantity + ";images");
    putImage(folder, shape, found.sums, &found.squares, images, "image_" + name, quantity + ";column;row");
    putImage(folder, shape, found.cells, nullptr, images, "cells_" + name, channel.name + ";column;row");
  }
}

// Says at the start, and not after all events, that the histograms cannot be written.
void ParticleViTMonitor::beginJob() {
  if (!std::ofstream(path_, std::ios::app))
    throw cms::Exception("ParticleViTMonitor") << "cannot write " << path_ << "; is its folder there?";
}

void ParticleViTMonitor::endJob() {
  const TDirectory::TContext context;  // the current directory is what it was, afterwards
  const NoDirectory own;
  const auto file = std::unique_ptr<TFile>(TFile::Open(path_.c_str(), "RECREATE"));
  if (file == nullptr || file->IsZombie())
    throw cms::Exception("ParticleViTMonitor") << "cannot write " << path_;
  auto* label = file->mkdir(label_.c_str());
  write(*label->mkdir(tier_.c_str()));
  file->Close();
}

DEFINE_FWK_MODULE(ParticleViTMonitor);
