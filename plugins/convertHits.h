#ifndef RecoE2E_ParticleViT_plugins_convertHits_h
#define RecoE2E_ParticleViT_plugins_convertHits_h

// Rechits -> the plain hits of interface/Hits.h. Hits of a foreign detector id get ieta 0, which counts as unknown.

#include <vector>

#include "DataFormats/DetId/interface/DetId.h"
#include "DataFormats/EcalDetId/interface/EBDetId.h"
#include "DataFormats/EcalDetId/interface/EcalSubdetector.h"
#include "DataFormats/EcalRecHit/interface/EcalRecHitCollections.h"
#include "RecoE2E/ParticleViT/interface/Hits.h"

namespace particlevit {

  inline bool isBarrel(const DetId& id) {
    return id.det() == DetId::Ecal && id.subdetId() == EcalBarrel;
  }

  inline std::vector<BarrelHit> convertBarrel(const EcalRecHitCollection& hits) {
    std::vector<BarrelHit> converted;
    converted.reserve(hits.size());
    for (const auto& hit : hits) {
      const DetId id = hit.id();
      const Crystal crystal = isBarrel(id) ? Crystal{EBDetId(id).ieta(), EBDetId(id).iphi()} : Crystal{0, 0};
      converted.push_back({crystal.ieta, crystal.iphi, hit.energy(), hit.time()});
    }
    return converted;
  }

}  // namespace particlevit

#endif
