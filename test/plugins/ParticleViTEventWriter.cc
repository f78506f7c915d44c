// Writes what the modules of this package make of each event's candidates, in the order of the events' numbers, to
// .npy files of float32: a table with the event, the candidate and the values of its maps, and the images.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "DataFormats/Candidate/interface/Candidate.h"
#include "DataFormats/Common/interface/ValueMap.h"
#include "DataFormats/Common/interface/View.h"
#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/MakerMacros.h"
#include "FWCore/Framework/interface/one/EDAnalyzer.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/InputTag.h"
#include "FWCore/Utilities/interface/transform.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"
#include "RecoE2E/ParticleViT/interface/npy.h"

class ParticleViTEventWriter : public edm::one::EDAnalyzer<> {
public:
  explicit ParticleViTEventWriter(const edm::ParameterSet& config);
  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions);
  void analyze(const edm::Event& event, const edm::EventSetup&) override;
  void endJob() override;

private:
  using Tags = std::vector<edm::InputTag>;

  struct Rows {
    std::vector<float> table;
    std::vector<float> images;
  };

  template <typename T>
  std::vector<edm::EDGetTokenT<edm::ValueMap<T>>> tokensOf(const Tags& tags) {
    return edm::vector_transform(tags, [this](const edm::InputTag& tag) { return consumes<edm::ValueMap<T>>(tag); });
  }

  const edm::EDGetTokenT<edm::View<reco::Candidate>> candidatesToken_;
  const edm::EDGetTokenT<std::vector<float>> imagesToken_;
  const std::vector<edm::EDGetTokenT<edm::ValueMap<float>>> scoreTokens_;
  const std::vector<edm::EDGetTokenT<edm::ValueMap<int>>> numberTokens_;
  const std::string table_;
  const std::string images_;
  const std::vector<std::size_t> shape_;
  std::map<edm::EventNumber_t, Rows> rows_;
};

namespace {
  // Values of all candidates; a map that lacks one of them throws.
  template <typename T>
  std::vector<float> valuesOf(const edm::ValueMap<T>& map, const edm::View<reco::Candidate>& candidates) {
    std::vector<float> values;
    for (std::size_t i = 0; i < candidates.size(); ++i)
      values.push_back(static_cast<float>(map[candidates.ptrAt(i)]));
    return values;
  }
}  // namespace

ParticleViTEventWriter::ParticleViTEventWriter(const edm::ParameterSet& config)
    : candidatesToken_(consumes<edm::View<reco::Candidate>>(config.getUntrackedParameter<edm::InputTag>("src"))),
      imagesToken_(consumes<std::vector<float>>(config.getUntrackedParameter<edm::InputTag>("images"))),
      scoreTokens_(tokensOf<float>(config.getUntrackedParameter<Tags>("scores"))),
      numberTokens_(tokensOf<int>(config.getUntrackedParameter<Tags>("numbers"))),
      table_(config.getUntrackedParameter<std::string>("table_file")),
      images_(config.getUntrackedParameter<std::string>("images_file")),
      shape_([&config] {
        const auto shape = config.getUntrackedParameter<std::vector<unsigned int>>("shape");
        return std::vector<std::size_t>(shape.begin(), shape.end());
      }()) {}

void ParticleViTEventWriter::fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
  edm::ParameterSetDescription desc;
  desc.addUntracked<edm::InputTag>("src")->setComment("candidates");
  desc.addUntracked<edm::InputTag>("images");
  desc.addUntracked<Tags>("scores")->setComment("ValueMap<float> of the candidates");
  desc.addUntracked<Tags>("numbers")->setComment("ValueMap<int> of the candidates");
  desc.addUntracked<std::vector<unsigned int>>("shape")->setComment("channels, height, width");
  desc.addUntracked<std::string>("table_file")->setComment("(N, 2 + scores + numbers): event, candidate, values");
  desc.addUntracked<std::string>("images_file")->setComment("(images, channels, height, width)");
  descriptions.addWithDefaultLabel(desc);
}

void ParticleViTEventWriter::analyze(const edm::Event& event, const edm::EventSetup&) {
  const auto& candidates = event.get(candidatesToken_);
  std::vector<std::vector<float>> columns;
  for (const auto& token : scoreTokens_)
    columns.push_back(valuesOf(event.get(token), candidates));
  for (const auto& token : numberTokens_)
    columns.push_back(valuesOf(event.get(token), candidates));
  auto& rows = rows_[event.id().event()];
  rows.images = event.get(imagesToken_);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    rows.table.push_back(static_cast<float>(event.id().event()));
    rows.table.push_back(static_cast<float>(i));
    for (const auto& column : columns)
      rows.table.push_back(column[i]);
  }
}

void ParticleViTEventWriter::endJob() {
  Rows all;
  for (const auto& [number, rows] : rows_) {
    all.table.insert(all.table.end(), rows.table.begin(), rows.table.end());
    all.images.insert(all.images.end(), rows.images.begin(), rows.images.end());
  }
  const std::size_t width = 2 + scoreTokens_.size() + numberTokens_.size();
  const std::size_t images = all.images.size() / particlevit::test::product(shape_);
  particlevit::translateErrors("ParticleViTEventWriter", [&] {
    particlevit::test::writeNpy(table_, {all.table.size() / width, width}, all.table);
    particlevit::test::writeNpy(images_, {images, shape_[0], shape_[1], shape_[2]}, all.images);
  });
}

DEFINE_FWK_MODULE(ParticleViTEventWriter);
