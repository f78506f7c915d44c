// CaloGeometry with the crystals of a text file only, for jobs without conditions: "DETID X Y Z" (cm) of endcap
// crystals, one a line.

#include <cstdint>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

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

class ParticleViTEndcapGeometry : public edm::ESProducer, public edm::EventSetupRecordIntervalFinder {
public:
  explicit ParticleViTEndcapGeometry(const edm::ParameterSet& config)
      : path_(config.getUntrackedParameter<std::string>("file")) {
    setWhatProduced(this);
    findingRecord<CaloGeometryRecord>();
  }

  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
    edm::ParameterSetDescription desc;
    desc.addUntracked<std::string>("file")->setComment("DETID X Y Z (cm) of endcap crystals, one a line");
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

  std::unique_ptr<EcalEndcapGeometry> readCrystals() const {
    std::ifstream file(path_);
    if (!file)
      throw std::runtime_error("cannot read " + path_);
    auto endcap = std::make_unique<EcalEndcapGeometry>();
    endcap->allocateCorners(EcalEndcapGeometry::k_NumberOfCellsForCorners);
    endcap->allocatePar(EcalEndcapGeometry::k_NumberOfShapes, EcalEndcapGeometry::k_NumberOfParametersPerShape);
    const std::vector<CaloCellGeometry::CCGFloat> shape(EcalEndcapGeometry::k_NumberOfParametersPerShape, 1.);
    const auto* parameters = CaloCellGeometry::getParmPtr(shape, endcap->parMgr(), endcap->parVecVec());
    std::uint32_t detid;
    float x, y, z;
    while (file >> detid >> x >> y >> z) {
      const GlobalPoint front(x, y, z);
      endcap->newCell(front, GlobalPoint(1.1f * x, 1.1f * y, 1.1f * z), front, parameters, EEDetId(detid));
    }
    if (!file.eof())
      throw std::runtime_error(path_ + " has a line that is not 'DETID X Y Z'");
    return endcap;
  }

  const std::string path_;
  std::unique_ptr<EcalEndcapGeometry> endcap_;  // CaloGeometry only points to it
};

DEFINE_FWK_EVENTSETUP_SOURCE(ParticleViTEndcapGeometry);
