#ifndef RecoE2E_ParticleViT_plugins_ImageProducts_h
#define RecoE2E_ParticleViT_plugins_ImageProducts_h

// What the modules that make images put into an event: "images", one after the other; "candidates", the index of each
// image's candidate in `src`; "status", one value per candidate of `src` (interface/CandidateStatus.h); "description",
// a line that says how the images were made, which the scoring modules compare with their own model's.

#include <string>
#include <utility>
#include <vector>

#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/stream/EDProducer.h"
#include "FWCore/MessageLogger/interface/MessageLogger.h"
#include "RecoE2E/ParticleViT/interface/EventImages.h"

namespace particlevit {

  class ImageProducts {
  public:
    ImageProducts(edm::ProducesCollector products, const ImageDescription& image)
        : imagesToken_(products.produces<std::vector<float>>("images")),
          candidatesToken_(products.produces<std::vector<int>>("candidates")),
          statusToken_(products.produces<std::vector<int>>("status")),
          descriptionToken_(products.produces<std::string>("description")),
          description_(describe(image)) {}

    void put(edm::Event& event, EventImages&& made) const {
      event.emplace(imagesToken_, std::move(made.images));
      event.emplace(candidatesToken_, std::move(made.candidates));
      event.emplace(statusToken_, std::move(made.status));
      event.emplace(descriptionToken_, description_);
    }

  private:
    const edm::EDPutTokenT<std::vector<float>> imagesToken_;
    const edm::EDPutTokenT<std::vector<int>> candidatesToken_;
    const edm::EDPutTokenT<std::vector<int>> statusToken_;
    const edm::EDPutTokenT<std::string> descriptionToken_;
    const std::string description_;
  };

  inline void reportUnknownHits(unsigned long long hits) {
    if (hits > 0)
      edm::LogWarning("ParticleViT") << hits << " hits have detector ids of no crystal or tower; they are left out";
  }

}  // namespace particlevit

#endif
