// ECAL barrel rechits around photons or electrons -> images with the supercluster's highest hit at [15][15] of 32 x 32.
//
// Puts "images", all images one after the other, and "candidates", the index of each image's candidate in `src`.
// Candidates that fail the selection or have no seed get no image.

#include <cmath>
#include <string>
#include <vector>

#include "DataFormats/Common/interface/View.h"
#include "DataFormats/DetId/interface/DetId.h"
#include "DataFormats/EcalDetId/interface/EBDetId.h"
#include "DataFormats/EcalDetId/interface/EcalSubdetector.h"
#include "DataFormats/EcalRecHit/interface/EcalRecHitCollections.h"
#include "DataFormats/EgammaReco/interface/SuperCluster.h"
#include "DataFormats/RecoCandidate/interface/RecoCandidate.h"
#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/MakerMacros.h"
#include "FWCore/Framework/interface/stream/EDProducer.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/InputTag.h"
#include "RecoE2E/ParticleViT/interface/SeedFinder.h"
#include "RecoE2E/ParticleViT/plugins/imageContract.h"

class EcalCropProducer : public edm::stream::EDProducer<> {
public:
  explicit EcalCropProducer(const edm::ParameterSet& config);
  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions);
  void produce(edm::Event& event, const edm::EventSetup&) override;

private:
  static const std::vector<std::string>& knownChannels() {
    static const std::vector<std::string> names = {"energy", "time"};
    return names;
  }

  void fillDetector(const EcalRecHitCollection& hits);
  bool selected(const reco::RecoCandidate& candidate) const;
  static particlevit::HighestHit findSeed(const reco::RecoCandidate& candidate, const EcalRecHitCollection& hits);

  const edm::EDGetTokenT<edm::View<reco::RecoCandidate>> candidatesToken_;
  const edm::EDGetTokenT<EcalRecHitCollection> hitsToken_;
  const edm::EDPutTokenT<std::vector<float>> imagesToken_;
  const edm::EDPutTokenT<std::vector<int>> indicesToken_;
  const particlevit::ImageShape shape_;
  const std::vector<int> channels_;
  const double minPt_;
  const double maxEta_;
  std::vector<particlevit::DetectorImage> detector_;  // one per known channel
};

EcalCropProducer::EcalCropProducer(const edm::ParameterSet& config)
    : candidatesToken_(consumes<edm::View<reco::RecoCandidate>>(config.getParameter<edm::InputTag>("src"))),
      hitsToken_(consumes<EcalRecHitCollection>(config.getParameter<edm::InputTag>("hits"))),
      imagesToken_(produces<std::vector<float>>("images")),
      indicesToken_(produces<std::vector<int>>("candidates")),
      shape_(particlevit::imageShape(config)),
      channels_(particlevit::channelIndices(config, knownChannels())),
      minPt_(config.getParameter<double>("min_pt")),
      maxEta_(config.getParameter<double>("max_eta")),
      detector_(knownChannels().size(), {particlevit::kEBRows, particlevit::kEcalColumns}) {}

void EcalCropProducer::fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
  edm::ParameterSetDescription desc;
  desc.add<edm::InputTag>("src", edm::InputTag("gedPhotons"))->setComment("photons or electrons");
  desc.add<edm::InputTag>("hits", edm::InputTag("reducedEcalRecHitsEB"))->setComment("rechits of the ECAL barrel");
  particlevit::describeImages(desc, {"energy", "time"}, 32, 32);
  desc.add<double>("min_pt", 10.)->setComment("least pT of a candidate (GeV)");
  desc.add<double>("max_eta", 1.44)->setComment("largest |eta| of a candidate");
  descriptions.addWithDefaultLabel(desc);
}

void EcalCropProducer::fillDetector(const EcalRecHitCollection& hits) {
  for (auto& image : detector_)
    image.clear();
  for (const auto& hit : hits) {
    if (hit.energy() <= 0.f)
      continue;
    const EBDetId id(hit.id());
    const auto cell = particlevit::ebCell(id.ieta(), id.iphi());
    detector_[0].set(cell, hit.energy());
    detector_[1].set(cell, hit.time());
  }
}

bool EcalCropProducer::selected(const reco::RecoCandidate& candidate) const {
  return candidate.pt() >= minPt_ && std::abs(candidate.eta()) <= maxEta_ && candidate.superCluster().isNonnull();
}

particlevit::HighestHit EcalCropProducer::findSeed(const reco::RecoCandidate& candidate,
                                                   const EcalRecHitCollection& hits) {
  particlevit::HighestHit seed;
  for (const auto& [id, fraction] : candidate.superCluster()->hitsAndFractions()) {
    if (id.det() != DetId::Ecal || id.subdetId() != EcalBarrel)
      continue;
    if (const auto hit = hits.find(id); hit != hits.end())
      seed.consider(particlevit::ebCell(EBDetId(id).ieta(), EBDetId(id).iphi()), hit->energy());
  }
  return seed;
}

void EcalCropProducer::produce(edm::Event& event, const edm::EventSetup&) {
  const auto& candidates = event.get(candidatesToken_);
  const auto& hits = event.get(hitsToken_);
  std::vector<float> images;
  std::vector<int> indices;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!selected(candidates[i]))
      continue;
    const auto seed = findSeed(candidates[i], hits).cell();
    if (!seed)
      continue;
    if (indices.empty())
      fillDetector(hits);
    indices.push_back(static_cast<int>(i));
    images.resize(indices.size() * shape_.size());
    float* window = images.data() + (indices.size() - 1) * shape_.size();
    for (const int channel : channels_) {
      particlevit::cropWindow(detector_[channel], *seed, shape_.height, shape_.width, window);
      window += shape_.height * shape_.width;
    }
  }
  event.emplace(imagesToken_, std::move(images));
  event.emplace(indicesToken_, std::move(indices));
}

DEFINE_FWK_MODULE(EcalCropProducer);
