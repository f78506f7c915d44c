// Source that puts the hits, tracks and candidates of a text file (data/programs/events.h) into the event, in the data
// formats of CMS. Each candidate becomes a jet and a RecoEcalCandidate, with a supercluster of its crystals if it has
// some.

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "DataFormats/DetId/interface/DetId.h"
#include "DataFormats/EcalDetId/interface/EBDetId.h"
#include "DataFormats/EcalRecHit/interface/EcalRecHitCollections.h"
#include "DataFormats/EgammaReco/interface/SuperCluster.h"
#include "DataFormats/EgammaReco/interface/SuperClusterFwd.h"
#include "DataFormats/HcalDetId/interface/HcalDetId.h"
#include "DataFormats/HcalRecHit/interface/HcalRecHitCollections.h"
#include "DataFormats/JetReco/interface/BasicJet.h"
#include "DataFormats/JetReco/interface/BasicJetCollection.h"
#include "DataFormats/RecoCandidate/interface/RecoEcalCandidate.h"
#include "DataFormats/RecoCandidate/interface/RecoEcalCandidateFwd.h"
#include "DataFormats/TrackReco/interface/Track.h"
#include "DataFormats/TrackReco/interface/TrackFwd.h"
#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/InputSourceMacros.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Sources/interface/ProducerSourceBase.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"
#include "RecoE2E/ParticleViT/data/programs/events.h"
#include "RecoE2E/ParticleViT/test/plugins/endcapIds.h"

using particlevit::test::HitEvent;

class ParticleViTEventSource : public edm::ProducerSourceBase {
public:
  ParticleViTEventSource(const edm::ParameterSet& config, const edm::InputSourceDescription& description);
  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions);

private:
  bool setRunAndEventInfo(edm::EventID&, edm::TimeValue_t&, edm::EventAuxiliary::ExperimentType&) override;
  void produce(edm::Event& event) override;
  reco::SuperClusterRef clusterOf(edm::Event& event,
                                  const edm::OrphanHandle<reco::SuperClusterCollection>& clusters,
                                  std::size_t candidate) const;

  const std::vector<HitEvent> events_;
  const particlevit::test::EndcapIds endcapIds_;
  const bool dropClusters_;
  const std::size_t total_;
  std::size_t next_ = 0;
  const edm::EDPutTokenT<EcalRecHitCollection> barrelToken_;
  const edm::EDPutTokenT<EcalRecHitCollection> endcapToken_;
  const edm::EDPutTokenT<HBHERecHitCollection> towersToken_;
  const edm::EDPutTokenT<reco::TrackCollection> tracksToken_;
  const edm::EDPutTokenT<reco::SuperClusterCollection> clustersToken_;
  const edm::EDPutTokenT<reco::RecoEcalCandidateCollection> candidatesToken_;
  const edm::EDPutTokenT<reco::BasicJetCollection> jetsToken_;
};

namespace {
  // Crystals and towers that do not exist get an id of no detector.
  DetId barrelId(int ieta, int iphi) {
    return EBDetId::validDetId(ieta, iphi) ? DetId(EBDetId(ieta, iphi)) : DetId();
  }

  DetId towerId(const particlevit::TowerHit& hit) {
    const int ring = std::abs(hit.ieta);
    if (ring == 0)
      return DetId();
    const bool barrel = ring <= 15 || (ring == 16 && hit.depth <= 2);  // 2012: ring 16 belongs to both
    return HcalDetId(barrel ? HcalBarrel : HcalEndcap, hit.ieta, hit.iphi, hit.depth);
  }

  reco::Candidate::PolarLorentzVector momentumOf(double pt, double eta, double phi) {
    return {pt, eta, phi, 0.};
  }

  EcalRecHitCollection barrelHits(const HitEvent& lines) {
    EcalRecHitCollection hits;
    for (const auto& hit : lines.hits.barrel)
      hits.push_back(EcalRecHit(barrelId(hit.ieta, hit.iphi), hit.energy, hit.time));
    return hits;
  }

  EcalRecHitCollection endcapHits(const HitEvent& lines, const particlevit::test::EndcapIds& ids) {
    EcalRecHitCollection hits;
    for (const auto& hit : lines.hits.endcap)
      hits.push_back(EcalRecHit(ids.at({hit.eta, hit.phi}), hit.energy, 0.f));
    return hits;
  }

  HBHERecHitCollection towerHits(const HitEvent& lines) {
    HBHERecHitCollection hits;
    for (const auto& hit : lines.hits.towers)
      hits.push_back(HBHERecHit(HcalDetId(towerId(hit)), hit.energy, 0.f));
    return hits;
  }

  reco::TrackCollection tracks(const HitEvent& lines) {
    reco::TrackCollection tracks;
    for (const auto& line : lines.hits.tracks) {
      const auto p4 = momentumOf(line.pt, line.eta, line.phi);
      const reco::TrackBase::Vector momentum(p4.px(), p4.py(), p4.pz());
      tracks.emplace_back(1., 1., reco::TrackBase::Point(), momentum, 1, reco::TrackBase::CovarianceMatrix());
      tracks.back().setQuality(reco::TrackBase::highPurity);
    }
    return tracks;
  }

  reco::SuperClusterCollection clusters(const HitEvent& lines) {
    reco::SuperClusterCollection clusters;
    for (const auto& candidate : lines.candidates) {
      clusters.emplace_back(candidate.pt, math::XYZPoint());
      for (const auto& crystal : candidate.crystals)
        clusters.back().addHitAndFraction(barrelId(crystal.ieta, crystal.iphi), 1.f);
    }
    return clusters;
  }

  reco::BasicJetCollection jets(const HitEvent& lines) {
    reco::BasicJetCollection jets;
    for (const auto& line : lines.candidates) {
      jets.emplace_back();
      jets.back().setP4(momentumOf(line.pt, line.eta, line.phi));
    }
    return jets;
  }
}  // namespace

ParticleViTEventSource::ParticleViTEventSource(const edm::ParameterSet& config,
                                               const edm::InputSourceDescription& description)
    : edm::ProducerSourceBase(config, description, false),
      events_(particlevit::translateErrors(
          "ParticleViTEventSource",
          [&config] { return particlevit::test::readEvents(config.getUntrackedParameter<std::string>("file")); })),
      endcapIds_(particlevit::test::numberEndcapCrystals(events_)),
      dropClusters_(config.getUntrackedParameter<bool>("drop_clusters")),
      total_(events_.size() * config.getUntrackedParameter<unsigned int>("repetitions")),
      barrelToken_(produces<EcalRecHitCollection>("barrel")),
      endcapToken_(produces<EcalRecHitCollection>("endcap")),
      towersToken_(produces<HBHERecHitCollection>("towers")),
      tracksToken_(produces<reco::TrackCollection>("tracks")),
      clustersToken_(produces<reco::SuperClusterCollection>("clusters")),
      candidatesToken_(produces<reco::RecoEcalCandidateCollection>("candidates")),
      jetsToken_(produces<reco::BasicJetCollection>("jets")) {}

void ParticleViTEventSource::fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
  edm::ParameterSetDescription desc;
  desc.setComment("Puts the hits, tracks and candidates of a text file into the event.");
  edm::ProducerSourceBase::fillDescription(desc);
  desc.addUntracked<std::string>("file")->setComment("as data/programs/events.h describes");
  desc.addUntracked<unsigned int>("repetitions", 1)->setComment("how often the events of the file are put");
  desc.addUntracked<bool>("drop_clusters", false)
      ->setComment("let candidates refer to superclusters that are not in the event");
  descriptions.add("source", desc);
}

bool ParticleViTEventSource::setRunAndEventInfo(edm::EventID&,
                                                edm::TimeValue_t&,
                                                edm::EventAuxiliary::ExperimentType&) {
  return next_ < total_;
}

reco::SuperClusterRef ParticleViTEventSource::clusterOf(edm::Event& event,
                                                        const edm::OrphanHandle<reco::SuperClusterCollection>& clusters,
                                                        std::size_t candidate) const {
  if (!dropClusters_)
    return {clusters, candidate};
  const edm::ProductID absent(1, std::numeric_limits<edm::ProductIndex>::max());
  return {absent, candidate, &event.productGetter()};
}

void ParticleViTEventSource::produce(edm::Event& event) {
  const auto& lines = events_[next_++ % events_.size()];
  event.emplace(barrelToken_, barrelHits(lines));
  event.emplace(endcapToken_, endcapHits(lines, endcapIds_));
  event.emplace(towersToken_, towerHits(lines));
  event.emplace(tracksToken_, tracks(lines));
  event.emplace(jetsToken_, jets(lines));
  const auto handle = event.emplace(clustersToken_, clusters(lines));
  reco::RecoEcalCandidateCollection candidates;
  for (std::size_t i = 0; i < lines.candidates.size(); ++i) {
    const auto& line = lines.candidates[i];
    candidates.emplace_back(0, momentumOf(line.pt, line.eta, line.phi));
    if (!line.crystals.empty())
      candidates.back().setSuperCluster(clusterOf(event, handle, i));
  }
  event.emplace(candidatesToken_, std::move(candidates));
}

DEFINE_FWK_INPUT_SOURCE(ParticleViTEventSource);
