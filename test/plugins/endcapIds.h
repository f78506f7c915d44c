#ifndef RecoE2E_ParticleViT_test_endcapIds_h
#define RecoE2E_ParticleViT_test_endcapIds_h

// Files of events hold the directions of endcap crystals, not their ids: crystals are numbered in the order of their
// directions, so that sorted hits come in that order, too.

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "DataFormats/EcalDetId/interface/EEDetId.h"
#include "RecoE2E/ParticleViT/data/programs/events.h"

namespace particlevit::test {

  using EndcapIds = std::map<std::pair<double, double>, EEDetId>;  // eta, phi -> crystal

  inline EndcapIds numberEndcapCrystals(const std::vector<HitEvent>& events) {
    EndcapIds ids;
    for (const auto& event : events)
      for (const auto& hit : event.hits.endcap)
        ids[{hit.eta, hit.phi}] = EEDetId();
    if (ids.size() > EEDetId::kSizeForDenseIndexing)
      throw std::runtime_error(std::to_string(ids.size()) + " directions of endcap hits, but there are " +
                               std::to_string(EEDetId::kSizeForDenseIndexing) + " crystals");
    int index = 0;
    for (auto& [direction, id] : ids)
      id = EEDetId::unhashIndex(index++);
    return ids;
  }

}  // namespace particlevit::test

#endif
