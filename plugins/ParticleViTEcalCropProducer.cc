// ECAL barrel rechits around photons or electrons -> images with the supercluster's highest hit in the model's seed
// cell.

#include <vector>

#include "DataFormats/Common/interface/View.h"
#include "DataFormats/EcalDetId/interface/EBDetId.h"
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
#include "RecoE2E/ParticleViT/interface/EcalCropMaker.h"
#include "RecoE2E/ParticleViT/plugins/ImageProducts.h"
#include "RecoE2E/ParticleViT/plugins/convertHits.h"
#include "RecoE2E/ParticleViT/plugins/modelParameters.h"

class ParticleViTEcalCropProducer : public edm::stream::EDProducer<> {
public:
  explicit ParticleViTEcalCropProducer(const edm::ParameterSet& config)
      : ParticleViTEcalCropProducer(config, particlevit::readImage(config)) {}
  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions);
  void produce(edm::Event& event, const edm::EventSetup&) override;
  void endStream() override { particlevit::reportUnknownHits(maker_.unknownHits()); }

private:
  ParticleViTEcalCropProducer(const edm::ParameterSet& config, const particlevit::ImageDescription& image);
  static particlevit::Candidate convert(const reco::RecoCandidate& candidate);

  const edm::EDGetTokenT<edm::View<reco::RecoCandidate>> candidatesToken_;
  const edm::EDGetTokenT<EcalRecHitCollection> hitsToken_;
  const particlevit::ImageProducts products_;
  particlevit::EcalCropMaker maker_;
};

ParticleViTEcalCropProducer::ParticleViTEcalCropProducer(const edm::ParameterSet& config,
                                                         const particlevit::ImageDescription& image)
    : candidatesToken_(consumes<edm::View<reco::RecoCandidate>>(config.getParameter<edm::InputTag>("src"))),
      hitsToken_(consumes<EcalRecHitCollection>(config.getParameter<edm::InputTag>("hits"))),
      products_(producesCollector(), image),
      maker_(particlevit::translateErrors("ParticleViTModel", [&] { return particlevit::EcalCropMaker(image); })) {}

void ParticleViTEcalCropProducer::fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
  edm::ParameterSetDescription desc;
  desc.add<edm::InputTag>("src", edm::InputTag("gedPhotons"))->setComment("photons or electrons");
  desc.add<edm::InputTag>("hits", edm::InputTag("reducedEcalRecHitsEB"))->setComment("rechits of the ECAL barrel");
  particlevit::describeTier(desc, "reduced");
  particlevit::describeModel(desc);
  descriptions.addWithDefaultLabel(desc);
}

particlevit::Candidate ParticleViTEcalCropProducer::convert(const reco::RecoCandidate& candidate) {
  particlevit::Candidate converted{candidate.pt(), candidate.eta(), candidate.phi(), {}};
  const auto cluster = candidate.superCluster();
  if (cluster.isNonnull() && cluster.isAvailable())
    for (const auto& [id, fraction] : cluster->hitsAndFractions())
      if (particlevit::isBarrel(id))
        converted.crystals.push_back({EBDetId(id).ieta(), EBDetId(id).iphi()});
  return converted;
}

void ParticleViTEcalCropProducer::produce(edm::Event& event, const edm::EventSetup&) {
  std::vector<particlevit::Candidate> candidates;
  for (const auto& candidate : event.get(candidatesToken_))
    candidates.push_back(convert(candidate));
  products_.put(event, maker_.make(candidates, [&] { return particlevit::convertBarrel(event.get(hitsToken_)); }));
}

DEFINE_FWK_MODULE(ParticleViTEcalCropProducer);
