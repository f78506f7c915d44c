// CaloGeometry for jobs without conditions: the endcap crystals of a text file (test/cpp/events.h), where it puts them.

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "DataFormats/EcalDetId/interface/EEDetId.h"
#include "DataFormats/EcalDetId/interface/EcalSubdetector.h"
#include "DataFormats/GeometryVector/interface/GlobalPoint.h"
#include "FWCore/Framework/interface/ESProducer.h"
#include "FWCore/Framework/interface/EventSetupRecordIntervalFinder.h"
#include "FWCore/Framework/interface/SourceFactory.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "Geometry/CaloGeometry/interface/CaloGeometry.h"
#include "Geometry/EcalAlgo/interface/EcalEndcapGeometry.h"
#include "Geometry/Records/interface/CaloGeometryRecord.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"
#include "RecoE2E/ParticleViT/test/cpp/events.h"

class ParticleViTEndcapGeometry : public edm::ESProducer, public edm::EventSetupRecordIntervalFinder {
public:
  explicit ParticleViTEndcapGeometry(const edm::ParameterSet& config)
      : path_(config.getUntrackedParameter<std::string>("file")) {
    setWhatProduced(this);
    findingRecord<CaloGeometryRecord>();
  }

  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
    edm::ParameterSetDescription desc;
    desc.addUntracked<std::string>("file")->setComment("as test/cpp/events.h describes");
    descriptions.addWithDefaultLabel(desc);
  }

  std::unique_ptr<CaloGeometry> produce(const CaloGeometryRecord&) {
    endcap_ = particlevit::translateErrors("ParticleViTEndcapGeometry", [this] { return readCrystals(); });
    auto geometry = std::make_unique<CaloGeometry>();
    geometry->setSubdetGeometry(DetId::Ecal, EcalEndcap, endcap_.get());
    return geometry;
  }

private:
  void setIntervalFor(const edm::eventsetup::EventSetupRecordKey&,
                      const edm::IOVSyncValue&,
                      edm::ValidityInterval& interval) override {
    interval = edm::ValidityInterval(edm::IOVSyncValue::beginOfTime(), edm::IOVSyncValue::endOfTime());
  }

  static GlobalPoint frontOf(const particlevit::EndcapHit& hit, double scale = 1.) {
    constexpr double kDistance = 320.;  // cm, of the endcaps' front from the centre
    const double radius = scale * kDistance / std::abs(std::sinh(hit.eta));
    return GlobalPoint(
        radius * std::cos(hit.phi), radius * std::sin(hit.phi), std::copysign(scale * kDistance, hit.eta));
  }

  // The shape of the crystals is made up: only their positions count.
  std::unique_ptr<EcalEndcapGeometry> readCrystals() const {
    auto endcap = std::make_unique<EcalEndcapGeometry>();
    endcap->allocateCorners(EcalEndcapGeometry::k_NumberOfCellsForCorners);
    endcap->allocatePar(EcalEndcapGeometry::k_NumberOfShapes, EcalEndcapGeometry::k_NumberOfParametersPerShape);
    const std::vector<CaloCellGeometry::CCGFloat> shape(EcalEndcapGeometry::k_NumberOfParametersPerShape, 1.);
    const auto* parameters = CaloCellGeometry::getParmPtr(shape, endcap->parMgr(), endcap->parVecVec());
    for (const auto& event : particlevit::test::readEvents(path_))
      for (std::size_t i = 0; i < event.hits.endcap.size(); ++i) {
        const auto& crystal = event.endcapCrystals[i];
        const auto front = frontOf(event.hits.endcap[i]);
        const auto back = frontOf(event.hits.endcap[i], 1.1);
        endcap->newCell(front, back, front, parameters, EEDetId(crystal.ix, crystal.iy, crystal.side));
      }
    return endcap;
  }

  const std::string path_;
  std::unique_ptr<EcalEndcapGeometry> endcap_;  // CaloGeometry only points to it
};

DEFINE_FWK_EVENTSETUP_SOURCE(ParticleViTEndcapGeometry);
