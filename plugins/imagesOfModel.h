#ifndef RecoE2E_ParticleViT_plugins_imagesOfModel_h
#define RecoE2E_ParticleViT_plugins_imagesOfModel_h

// The images of an event as input of the modules that score them, with the check that they were made for the model.

#include <string>
#include <vector>

#include "FWCore/Framework/interface/ConsumesCollector.h"
#include "FWCore/Framework/interface/Event.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/EDGetToken.h"
#include "FWCore/Utilities/interface/Exception.h"
#include "FWCore/Utilities/interface/InputTag.h"
#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"

namespace particlevit {

  inline void describeImages(edm::ParameterSetDescription& desc) {
    desc.add<edm::InputTag>("images", edm::InputTag("particleViTEcalCropProducer", "images"))
        ->setComment("images of all candidates of an event, one after the other (channel, row, column)");
  }

  class ImagesOfModel {
  public:
    ImagesOfModel(const edm::ParameterSet& config, edm::ConsumesCollector collector, const ImageDescription& image)
        : imagesToken_(collector.consumes<std::vector<float>>(tag(config))),
          descriptionToken_(collector.consumes<std::string>(descriptionOf(tag(config)))),
          description_(describe(image)) {}

    // Throws if the images were made for another model; images of a module without a description are taken as they are.
    const std::vector<float>& get(const edm::Event& event) const {
      const auto found = event.getHandle(descriptionToken_);
      if (found.isValid() && *found != description_)
        throw cms::Exception("ParticleViTImages")
            << "the images are of " << *found << ", but the model takes " << description_
            << "; give the modules that make and score images the same model";
      return event.get(imagesToken_);
    }

  private:
    static edm::InputTag tag(const edm::ParameterSet& config) { return config.getParameter<edm::InputTag>("images"); }

    // The modules that make images put their description beside them.
    static edm::InputTag descriptionOf(const edm::InputTag& images) {
      return {images.label(), "description", images.process()};
    }

    const edm::EDGetTokenT<std::vector<float>> imagesToken_;
    const edm::EDGetTokenT<std::string> descriptionToken_;
    const std::string description_;
  };

}  // namespace particlevit

#endif
