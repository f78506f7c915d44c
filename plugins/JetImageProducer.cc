// Tracks, ECAL (barrel and endcaps) and HCAL around jets -> 125 x 125 images centred on the highest tower near the
// axis.
//
// Puts "images", all images one after the other, and "candidates", the index of each image's jet in `src`. Jets below
// `min_pt`, outside of the HCAL, or so far forward that the window leaves the detector get no image.

#include <string>
#include <vector>

#include "DataFormats/Common/interface/View.h"
#include "DataFormats/EcalDetId/interface/EBDetId.h"
#include "DataFormats/EcalRecHit/interface/EcalRecHitCollections.h"
#include "DataFormats/HcalDetId/interface/HcalDetId.h"
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
#include "RecoE2E/ParticleViT/interface/SeedFinder.h"
#include "RecoE2E/ParticleViT/plugins/imageContract.h"

class JetImageProducer : public edm::stream::EDProducer<> {
public:
  explicit JetImageProducer(const edm::ParameterSet& config);
  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions);
  void produce(edm::Event& event, const edm::EventSetup& setup) override;

private:
  enum Channel { kTracks, kEcal, kHcal };
  static const std::vector<std::string>& knownChannels() {
    static const std::vector<std::string> names = {"tracks", "ecal", "hcal"};
    return names;
  }

  void fillTracks(const reco::TrackCollection& tracks);
  void fillEcal(const EcalRecHitCollection& barrel, const EcalRecHitCollection& endcap, const CaloGeometry& geometry);
  void fillHcal(const HBHERecHitCollection& hits);

  const edm::EDGetTokenT<edm::View<reco::Jet>> jetsToken_;
  const edm::EDGetTokenT<reco::TrackCollection> tracksToken_;
  const edm::EDGetTokenT<EcalRecHitCollection> barrelToken_;
  const edm::EDGetTokenT<EcalRecHitCollection> endcapToken_;
  const edm::EDGetTokenT<HBHERecHitCollection> hcalToken_;
  const edm::ESGetToken<CaloGeometry, CaloGeometryRecord> geometryToken_;
  const edm::EDPutTokenT<std::vector<float>> imagesToken_;
  const edm::EDPutTokenT<std::vector<int>> indicesToken_;
  const particlevit::ImageShape shape_;
  const std::vector<int> channels_;
  const double minPt_;
  const double minTrackPt_;
  const reco::TrackBase::TrackQuality trackQuality_;
  std::vector<particlevit::DetectorImage> detector_;  // one per known channel, in crystals
  particlevit::DetectorImage towers_;
};

JetImageProducer::JetImageProducer(const edm::ParameterSet& config)
    : jetsToken_(consumes<edm::View<reco::Jet>>(config.getParameter<edm::InputTag>("src"))),
      tracksToken_(consumes<reco::TrackCollection>(config.getParameter<edm::InputTag>("tracks"))),
      barrelToken_(consumes<EcalRecHitCollection>(config.getParameter<edm::InputTag>("ecal_barrel_hits"))),
      endcapToken_(consumes<EcalRecHitCollection>(config.getParameter<edm::InputTag>("ecal_endcap_hits"))),
      hcalToken_(consumes<HBHERecHitCollection>(config.getParameter<edm::InputTag>("hcal_hits"))),
      geometryToken_(esConsumes<CaloGeometry, CaloGeometryRecord>()),
      imagesToken_(produces<std::vector<float>>("images")),
      indicesToken_(produces<std::vector<int>>("candidates")),
      shape_(particlevit::imageShape(config)),
      channels_(particlevit::channelIndices(config, knownChannels())),
      minPt_(config.getParameter<double>("min_pt")),
      minTrackPt_(config.getParameter<double>("min_track_pt")),
      trackQuality_(reco::TrackBase::qualityByName(config.getParameter<std::string>("track_quality"))),
      detector_(knownChannels().size(), {particlevit::kEcalRows, particlevit::kEcalColumns}),
      towers_(particlevit::kHBHERows, particlevit::kHBHEColumns) {
  if (trackQuality_ == reco::TrackBase::undefQuality)
    throw cms::Exception("Configuration") << "track_quality is '" << config.getParameter<std::string>("track_quality")
                                          << "', expected one such as 'highPurity' or 'loose'";
}

void JetImageProducer::fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
  edm::ParameterSetDescription desc;
  desc.add<edm::InputTag>("src", edm::InputTag("ak4PFJetsCHS"))->setComment("jets");
  desc.add<edm::InputTag>("tracks", edm::InputTag("generalTracks"));
  desc.add<edm::InputTag>("ecal_barrel_hits", edm::InputTag("reducedEcalRecHitsEB"));
  desc.add<edm::InputTag>("ecal_endcap_hits", edm::InputTag("reducedEcalRecHitsEE"));
  desc.add<edm::InputTag>("hcal_hits", edm::InputTag("reducedHcalRecHits", "hbhereco"));
  particlevit::describeImages(desc, {"tracks", "ecal", "hcal"}, 125, 125);
  desc.add<double>("min_pt", 20.)->setComment("least pT of a jet (GeV)");
  desc.add<double>("min_track_pt", 0.5)->setComment("least pT of a track (GeV)");
  desc.add<std::string>("track_quality", "highPurity")->setComment("least quality of a track");
  descriptions.addWithDefaultLabel(desc);
}

void JetImageProducer::fillTracks(const reco::TrackCollection& tracks) {
  auto& image = detector_[kTracks];
  image.clear();
  for (const auto& track : tracks)
    if (track.pt() > minTrackPt_ && track.quality(trackQuality_))
      if (const auto cell = particlevit::ecalCellOf(track.eta(), track.phi()))
        image.add(*cell, static_cast<float>(track.pt()));
}

void JetImageProducer::fillEcal(const EcalRecHitCollection& barrel,
                                const EcalRecHitCollection& endcap,
                                const CaloGeometry& geometry) {
  auto& image = detector_[kEcal];
  image.clear();
  for (const auto& hit : barrel)
    if (hit.energy() > 0.f) {
      const EBDetId id(hit.id());
      image.set(particlevit::ecalCell(id.ieta(), id.iphi()), hit.energy());
    }
  for (const auto& hit : endcap)
    if (hit.energy() > 0.f) {
      const auto& position = geometry.getPosition(hit.id());
      if (const auto cell = particlevit::ecalCellOf(position.eta(), position.phi()))
        image.add(*cell, hit.energy());
    }
}

void JetImageProducer::fillHcal(const HBHERecHitCollection& hits) {
  towers_.clear();
  for (const auto& hit : hits) {
    if (hit.energy() <= 0.f)
      continue;
    const HcalDetId id(hit.id());
    if (particlevit::isCoarseTower(id.ieta())) {
      towers_.add(particlevit::hbheCell(id.ieta(), id.iphi()), hit.energy() / 2);
      towers_.add(particlevit::hbheCell(id.ieta(), id.iphi() + 1), hit.energy() / 2);
    } else {
      towers_.add(particlevit::hbheCell(id.ieta(), id.iphi()), hit.energy());
    }
  }
  particlevit::upsampleTowers(towers_, detector_[kHcal]);
}

void JetImageProducer::produce(edm::Event& event, const edm::EventSetup& setup) {
  fillTracks(event.get(tracksToken_));
  fillEcal(event.get(barrelToken_), event.get(endcapToken_), setup.getData(geometryToken_));
  fillHcal(event.get(hcalToken_));

  const auto& jets = event.get(jetsToken_);
  std::vector<float> images;
  std::vector<int> indices;
  for (std::size_t i = 0; i < jets.size(); ++i) {
    const auto axis = particlevit::hbheCellOf(jets[i].eta(), jets[i].phi());
    if (jets[i].pt() < minPt_ || !axis)
      continue;
    const auto centre = particlevit::centreOfTower(particlevit::findJetSeed(towers_, *axis));
    if (!particlevit::windowInside(centre.row, shape_.height, particlevit::kEcalRows))
      continue;
    indices.push_back(static_cast<int>(i));
    images.resize(indices.size() * shape_.size());
    float* window = images.data() + (indices.size() - 1) * shape_.size();
    for (const int channel : channels_) {
      particlevit::cropWindow(detector_[channel], centre, shape_.height, shape_.width, window);
      window += shape_.height * shape_.width;
    }
  }
  event.emplace(imagesToken_, std::move(images));
  event.emplace(indicesToken_, std::move(indices));
}

DEFINE_FWK_MODULE(JetImageProducer);
