// Source that puts hits, clusters, candidates, jets and tracks into the event, read from a text file.
//
// Each line is a word and its numbers (GeV, ns, rad). "event" begins an event; "fraction" belongs to the cluster
// before it. The cluster of a photon or an electron is counted from 0; -1 is none, -2 one that was dropped.
//
//   event
//   barrel DETID ENERGY TIME
//   endcap DETID ENERGY TIME
//   tower DETID ENERGY TIME
//   cluster ENERGY
//   fraction DETID FRACTION
//   photon PT ETA PHI CLUSTER
//   electron PT ETA PHI CLUSTER
//   jet PT ETA PHI
//   track PT ETA PHI HIGHPURITY

#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "DataFormats/DetId/interface/DetId.h"
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

namespace {
  constexpr int kDroppedCluster = -2;

  struct CandidateLine {
    reco::Candidate::PolarLorentzVector momentum;
    int cluster;
  };

  struct EventLines {
    EcalRecHitCollection barrel;
    EcalRecHitCollection endcap;
    HBHERecHitCollection towers;
    reco::SuperClusterCollection clusters;
    std::vector<CandidateLine> photons;
    std::vector<CandidateLine> electrons;
    reco::BasicJetCollection jets;
    reco::TrackCollection tracks;
  };

  // One line of the file, whose numbers are taken one after the other.
  class Line {
  public:
    Line(const std::string& text, std::string where) : words_(text), where_(std::move(where)) { words_ >> word_; }

    const std::string& word() const { return word_; }

    double number() {
      std::string text;
      words_ >> text;
      try {
        return std::stod(text);  // unlike >>, takes nan and inf
      } catch (const std::exception&) {
        throw std::runtime_error(where_ + ": '" + word_ + "' has '" + text + "' where a number is expected");
      }
    }

    DetId detid() { return DetId(static_cast<std::uint32_t>(number())); }

    reco::Candidate::PolarLorentzVector momentum() {
      const double pt = number(), eta = number(), phi = number();
      return {pt, eta, phi, 0.};
    }

    [[noreturn]] void refuse(const std::string& reason) const { throw std::runtime_error(where_ + ": " + reason); }

  private:
    std::istringstream words_;
    std::string where_;
    std::string word_;
  };

  EcalRecHit readEcalHit(Line& line) {
    const DetId id = line.detid();
    const auto energy = static_cast<float>(line.number());
    return EcalRecHit(id, energy, static_cast<float>(line.number()));
  }

  HBHERecHit readTowerHit(Line& line) {
    const HcalDetId id(line.detid());
    const auto energy = static_cast<float>(line.number());
    return HBHERecHit(id, energy, static_cast<float>(line.number()));
  }

  CandidateLine readCandidate(Line& line) {
    const auto momentum = line.momentum();
    return {momentum, static_cast<int>(line.number())};
  }

  reco::Track readTrack(Line& line) {
    const auto p4 = line.momentum();
    const reco::TrackBase::Vector momentum(p4.px(), p4.py(), p4.pz());
    reco::Track track(1., 1., reco::TrackBase::Point(), momentum, 1, reco::TrackBase::CovarianceMatrix());
    if (line.number() > 0.)
      track.setQuality(reco::TrackBase::highPurity);
    return track;
  }

  void addFraction(Line& line, reco::SuperClusterCollection& clusters) {
    if (clusters.empty())
      line.refuse("'fraction' before any 'cluster' of the event");
    const DetId id = line.detid();
    clusters.back().addHitAndFraction(id, static_cast<float>(line.number()));
  }

  void addLine(Line& line, EventLines& event) {
    const auto& word = line.word();
    if (word == "barrel")
      event.barrel.push_back(readEcalHit(line));
    else if (word == "endcap")
      event.endcap.push_back(readEcalHit(line));
    else if (word == "tower")
      event.towers.push_back(readTowerHit(line));
    else if (word == "cluster")
      event.clusters.emplace_back(line.number(), math::XYZPoint());
    else if (word == "fraction")
      addFraction(line, event.clusters);
    else if (word == "photon")
      event.photons.push_back(readCandidate(line));
    else if (word == "electron")
      event.electrons.push_back(readCandidate(line));
    else if (word == "jet")
      event.jets.emplace_back(reco::Particle::LorentzVector(line.momentum()), reco::Particle::Point());
    else if (word == "track")
      event.tracks.push_back(readTrack(line));
    else
      line.refuse("begins with '" + word + "', which no line of this format does");
  }

  std::vector<EventLines> readEvents(const std::string& path) {
    std::ifstream file(path);
    if (!file)
      throw std::runtime_error("cannot read " + path);
    std::vector<EventLines> events;
    std::size_t number = 0;
    for (std::string text; std::getline(file, text);) {
      Line line(text, path + ", line " + std::to_string(++number));
      if (line.word() == "event")
        events.emplace_back();
      else if (events.empty())
        line.refuse("stands before the first 'event'");
      else
        addLine(line, events.back());
    }
    return events;
  }
}  // namespace

class ParticleViTEventSource : public edm::ProducerSourceBase {
public:
  ParticleViTEventSource(const edm::ParameterSet& config, const edm::InputSourceDescription& description);
  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions);

private:
  bool setRunAndEventInfo(edm::EventID&, edm::TimeValue_t&, edm::EventAuxiliary::ExperimentType&) override;
  void produce(edm::Event& event) override;
  void putCandidates(edm::Event& event,
                     const edm::EDPutTokenT<reco::RecoEcalCandidateCollection>& token,
                     const std::vector<CandidateLine>& lines,
                     const edm::OrphanHandle<reco::SuperClusterCollection>& clusters) const;

  std::vector<EventLines> events_;
  std::size_t next_ = 0;
  const std::size_t total_;
  const edm::EDPutTokenT<EcalRecHitCollection> barrelToken_;
  const edm::EDPutTokenT<EcalRecHitCollection> endcapToken_;
  const edm::EDPutTokenT<HBHERecHitCollection> towersToken_;
  const edm::EDPutTokenT<reco::SuperClusterCollection> clustersToken_;
  const edm::EDPutTokenT<reco::RecoEcalCandidateCollection> photonsToken_;
  const edm::EDPutTokenT<reco::RecoEcalCandidateCollection> electronsToken_;
  const edm::EDPutTokenT<reco::BasicJetCollection> jetsToken_;
  const edm::EDPutTokenT<reco::TrackCollection> tracksToken_;
};

ParticleViTEventSource::ParticleViTEventSource(const edm::ParameterSet& config,
                                               const edm::InputSourceDescription& description)
    : edm::ProducerSourceBase(config, description, false),
      events_(particlevit::translateErrors(
          "ParticleViTEventSource", [&config] { return readEvents(config.getUntrackedParameter<std::string>("file")); })),
      total_(events_.size() * config.getUntrackedParameter<unsigned int>("repetitions")),
      barrelToken_(produces<EcalRecHitCollection>("barrel")),
      endcapToken_(produces<EcalRecHitCollection>("endcap")),
      towersToken_(produces<HBHERecHitCollection>("towers")),
      clustersToken_(produces<reco::SuperClusterCollection>("clusters")),
      photonsToken_(produces<reco::RecoEcalCandidateCollection>("photons")),
      electronsToken_(produces<reco::RecoEcalCandidateCollection>("electrons")),
      jetsToken_(produces<reco::BasicJetCollection>("jets")),
      tracksToken_(produces<reco::TrackCollection>("tracks")) {}

void ParticleViTEventSource::fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
  edm::ParameterSetDescription desc;
  desc.setComment("Puts the hits, candidates, jets and tracks of a text file into the event.");
  edm::ProducerSourceBase::fillDescription(desc);
  desc.addUntracked<std::string>("file")->setComment("the format stands in ParticleViTEventSource.cc");
  desc.addUntracked<unsigned int>("repetitions", 1)->setComment("how often the file is read from the start");
  descriptions.add("source", desc);
}

bool ParticleViTEventSource::setRunAndEventInfo(edm::EventID&,
                                                edm::TimeValue_t&,
                                                edm::EventAuxiliary::ExperimentType&) {
  return next_ < total_;
}

void ParticleViTEventSource::putCandidates(edm::Event& event,
                                           const edm::EDPutTokenT<reco::RecoEcalCandidateCollection>& token,
                                           const std::vector<CandidateLine>& lines,
                                           const edm::OrphanHandle<reco::SuperClusterCollection>& clusters) const {
  reco::RecoEcalCandidateCollection candidates;
  for (const auto& line : lines) {
    reco::RecoEcalCandidate candidate(0, line.momentum);
    if (line.cluster == kDroppedCluster)  // an identifier that no product of the event has
      candidate.setSuperCluster(reco::SuperClusterRef(
          edm::ProductID(1, std::numeric_limits<edm::ProductIndex>::max()), 0, &event.productGetter()));
    else if (line.cluster >= 0)
      candidate.setSuperCluster(reco::SuperClusterRef(clusters, line.cluster));
    candidates.push_back(candidate);
  }
  event.emplace(token, std::move(candidates));
}

void ParticleViTEventSource::produce(edm::Event& event) {
  const auto& lines = events_[next_++ % events_.size()];
  event.emplace(barrelToken_, lines.barrel);
  event.emplace(endcapToken_, lines.endcap);
  event.emplace(towersToken_, lines.towers);
  event.emplace(jetsToken_, lines.jets);
  event.emplace(tracksToken_, lines.tracks);
  const auto clusters = event.emplace(clustersToken_, lines.clusters);
  putCandidates(event, photonsToken_, lines.photons, clusters);
  putCandidates(event, electronsToken_, lines.electrons, clusters);
}

DEFINE_FWK_INPUT_SOURCE(ParticleViTEventSource);
