// Tracks, ECAL (barrel and endcaps) and HCAL around jets -> images with the seed tower in the model's seed cell.
//
// AOD has HCAL rechits only near electrons and photons: the defaults are RECO's collections, whose tier is full.

#include <limits>
#include <string>
#include <vector>

#include "DataFormats/Common/interface/View.h"
#include "DataFormats/DetId/interface/DetId.h"
#include "DataFormats/EcalDetId/interface/EcalSubdetector.h"
#include "DataFormats/EcalRecHit/interface/EcalRecHitCollections.h"
#include "DataFormats/HcalDetId/interface/HcalDetId.h"
#include "DataFormats/HcalDetId/interface/HcalSubdetector.h"
#include "DataFormats/HcalRecHit/interface/HcalRecHitCollections.h"
#include "DataFormats/JetReco/interface/Jet.h"
#include "DataFormats/TrackReco/interface/Track.h"
#include "DataFormats/TrackReco/interface/TrackFwd.h"
#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/EventSetup.h"
#include "FWCore/Framework/interface/MakerMacros.h"
#include "FWCore/Framework/interface/stream/EDProducer.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/ESGetToken.h"
#include "FWCore/Utilities/interface/InputTag.h"
#include "Geometry/CaloGeometry/interface/CaloGeometry.h"
#include "Geometry/Records/interface/CaloGeometryRecord.h"
#include "RecoE2E/ParticleViT/interface/JetImageMaker.h"
#include "RecoE2E/ParticleViT/plugins/ImageProducts.h"
#include "RecoE2E/ParticleViT/plugins/convertHits.h"
#include "RecoE2E/ParticleViT/plugins/modelParameters.h"

class ParticleViTJetImageProducer : public edm::stream::EDProducer<> {
public:
  explicit ParticleViTJetImageProducer(const edm::ParameterSet& config)
      : ParticleViTJetImageProducer(config, particlevit::readImage(config)) {}
  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions);
  void produce(edm::Event& event, const edm::EventSetup& setup) override;
  void endStream() override { particlevit::reportUnknownHits(maker_.unknownHits()); }

private:
  ParticleViTJetImageProducer(const edm::ParameterSet& config, const particlevit::ImageDescription& image);
  particlevit::JetHits convertHits(const edm::Event& event, const edm::EventSetup& setup) const;
  std::vector<particlevit::Track> convert(const reco::TrackCollection& tracks) const;
  static std::vector<particlevit::EndcapHit> convert(const EcalRecHitCollection& hits, const CaloGeometry& geometry);
  static std::vector<particlevit::TowerHit> convert(const HBHERecHitCollection& hits);

  const edm::EDGetTokenT<edm::View<reco::Jet>> jetsToken_;
  const edm::EDGetTokenT<reco::TrackCollection> tracksToken_;
  const edm::EDGetTokenT<EcalRecHitCollection> barrelToken_;
  const edm::EDGetTokenT<EcalRecHitCollection> endcapToken_;
  const edm::EDGetTokenT<HBHERecHitCollection> hcalToken_;
  const edm::ESGetToken<CaloGeometry, CaloGeometryRecord> geometryToken_;
  const reco::TrackBase::TrackQuality trackQuality_;
  const particlevit::ImageProducts products_;
  particlevit::JetImageMaker maker_;
};

ParticleViTJetImageProducer::ParticleViTJetImageProducer(const edm::ParameterSet& config,
                                                         const particlevit::ImageDescription& image)
    : jetsToken_(consumes<edm::View<reco::Jet>>(config.getParameter<edm::InputTag>("src"))),
      tracksToken_(consumes<reco::TrackCollection>(config.getParameter<edm::InputTag>("tracks"))),
      barrelToken_(consumes<EcalRecHitCollection>(config.getParameter<edm::InputTag>("ecal_barrel_hits"))),
      endcapToken_(consumes<EcalRecHitCollection>(config.getParameter<edm::InputTag>("ecal_endcap_hits"))),
      hcalToken_(consumes<HBHERecHitCollection>(config.getParameter<edm::InputTag>("hcal_hits"))),
      geometryToken_(esConsumes<CaloGeometry, CaloGeometryRecord>()),
      trackQuality_(reco::TrackBase::qualityByName(config.getParameter<std::string>("track_quality"))),
      products_(producesCollector(), image),
      maker_(particlevit::translateErrors("ParticleViTModel", [&] {
        return particlevit::JetImageMaker(image,
                                          {static_cast<float>(config.getParameter<double>("min_track_pt")),
                                           static_cast<float>(config.getParameter<double>("ecal_endcap_scale"))});
      })) {
  if (trackQuality_ == reco::TrackBase::undefQuality)
    throw cms::Exception("Configuration") << "track_quality is '" << config.getParameter<std::string>("track_quality")
                                          << "', expected one such as 'highPurity' or 'loose'";
}

void ParticleViTJetImageProducer::fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
  edm::ParameterSetDescription desc;
  desc.add<edm::InputTag>("src", edm::InputTag("ak4PFJetsCHS"))->setComment("jets");
  desc.add<edm::InputTag>("tracks", edm::InputTag("generalTracks"));
  desc.add<edm::InputTag>("ecal_barrel_hits", edm::InputTag("ecalRecHit", "EcalRecHitsEB"));
  desc.add<edm::InputTag>("ecal_endcap_hits", edm::InputTag("ecalRecHit", "EcalRecHitsEE"));
  desc.add<edm::InputTag>("hcal_hits", edm::InputTag("hbhereco"));
  particlevit::describeTier(desc, "full");
  desc.add<double>("min_track_pt", 0.5)->setComment("a track must have more pT than this (GeV)");
  desc.add<std::string>("track_quality", "highPurity")->setComment("least quality of a track");
  desc.add<double>("ecal_endcap_scale", 1.)
      ->setComment("factor on energies in the ECAL endcaps; 0.25 for models of the public image files");
  particlevit::describeModel(desc);
  descriptions.addWithDefaultLabel(desc);
}

std::vector<particlevit::Track> ParticleViTJetImageProducer::convert(const reco::TrackCollection& tracks) const {
  std::vector<particlevit::Track> converted;
  for (const auto& track : tracks)
    if (track.quality(trackQuality_))
      converted.push_back({static_cast<float>(track.pt()), track.eta(), track.phi()});
  return converted;
}

std::vector<particlevit::EndcapHit> ParticleViTJetImageProducer::convert(const EcalRecHitCollection& hits,
                                                                         const CaloGeometry& geometry) {
  constexpr double kNowhere = std::numeric_limits<double>::quiet_NaN();
  std::vector<particlevit::EndcapHit> converted;
  for (const auto& hit : hits) {
    const DetId id = hit.id();
    if (id.det() != DetId::Ecal || id.subdetId() != EcalEndcap) {
      converted.push_back({kNowhere, kNowhere, hit.energy()});
      continue;
    }
    const auto& position = geometry.getPosition(id);
    converted.push_back({position.eta(), position.phi(), hit.energy()});
  }
  return converted;
}

std::vector<particlevit::TowerHit> ParticleViTJetImageProducer::convert(const HBHERecHitCollection& hits) {
  std::vector<particlevit::TowerHit> converted;
  for (const auto& hit : hits) {
    const HcalDetId id = hit.id();
    const bool known = id.subdet() == HcalBarrel || id.subdet() == HcalEndcap;
    converted.push_back({known ? id.ieta() : 0, id.iphi(), id.depth(), hit.energy()});
  }
  return converted;
}

particlevit::JetHits ParticleViTJetImageProducer::convertHits(const edm::Event& event,
                                                              const edm::EventSetup& setup) const {
  particlevit::JetHits hits;
  hits.towers = convert(event.get(hcalToken_));
  if (maker_.uses(particlevit::JetImageMaker::kTracks))
    hits.tracks = convert(event.get(tracksToken_));
  if (maker_.uses(particlevit::JetImageMaker::kEcal)) {
    hits.barrel = particlevit::convertBarrel(event.get(barrelToken_));
    hits.endcap = convert(event.get(endcapToken_), setup.getData(geometryToken_));
  }
  return hits;
}

void ParticleViTJetImageProducer::produce(edm::Event& event, const edm::EventSetup& setup) {
  std::vector<particlevit::Candidate> jets;
  for (const auto& jet : event.get(jetsToken_))
    jets.push_back({jet.pt(), jet.eta(), jet.phi(), {}});
  products_.put(event, maker_.make(jets, [&] { return convertHits(event, setup); }));
}

DEFINE_FWK_MODULE(ParticleViTJetImageProducer);
