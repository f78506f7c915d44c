// CaloGeometry for jobs without conditions: the endcap crystals of a text file (data/programs/events.h).

#include <cmath>
#include <memory>
#include <string>
#include <vector>

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
#include "RecoE2E/ParticleViT/data/programs/events.h"
#include "RecoE2E/ParticleViT/test/plugins/endcapIds.h"

class ParticleViTEndcapGeometry : public edm::ESProducer, public edm::EventSetupRecordIntervalFinder {
public:
  explicit ParticleViTEndcapGeometry(const edm::ParameterSet& config)
      : path_(config.getUntrackedParameter<std::string>("file")) {
    setWhatProduced(this);
    findingRecord<CaloGeometryRecord>();
  }

  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
    edm::ParameterSetDescription desc;
    desc.addUntracked<std::string>("file")->setComment("as data/programs/events.h describes");
    descriptions.addWithDefaultLabel(desc);
  }

  std::unique_ptr<CaloGeometry> produce(const CaloGeometryRecord&) {
    endcap_ = particlevit::translateErrors("ParticleViTEndcapGeometry", [this] { return makeCrystals(); });
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

  // A point of the direction, `distance` along the beam from the centre.
  static GlobalPoint pointOf(double eta, double phi, double distance) {
    const double radius = distance / std::abs(std::sinh(eta));
    return GlobalPoint(radius * std::cos(phi), radius * std::sin(phi), std::copysign(distance, eta));
  }

  // The shape of the crystals is made up: only the directions of their fronts count.
  std::unique_ptr<EcalEndcapGeometry> makeCrystals() const {
    auto endcap = std::make_unique<EcalEndcapGeometry>();
    endcap->allocateCorners(EcalEndcapGeometry::k_NumberOfCellsForCorners);
    endcap->allocatePar(EcalEndcapGeometry::k_NumberOfShapes, EcalEndcapGeometry::k_NumberOfParametersPerShape);
    const std::vector<CaloCellGeometry::CCGFloat> shape(EcalEndcapGeometry::k_NumberOfParametersPerShape, 1.);
    const auto* parameters = CaloCellGeometry::getParmPtr(shape, endcap->parMgr(), endcap->parVecVec());
    constexpr double kFront = 320., kBack = 342.;  // cm
    for (const auto& [direction, id] : particlevit::test::numberEndcapCrystals(particlevit::test::readEvents(path_))) {
      const auto front = pointOf(direction.first, direction.second, kFront);
      endcap->newCell(front, pointOf(direction.first, direction.second, kBack), front, parameters, id);
    }
    return endcap;
  }

  const std::string path_;
  std::unique_ptr<EcalEndcapGeometry> endcap_;  // CaloGeometry only points to it
};

DEFINE_FWK_EVENTSETUP_SOURCE(ParticleViTEndcapGeometry);
