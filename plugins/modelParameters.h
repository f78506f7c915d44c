#ifndef RecoE2E_ParticleViT_plugins_modelParameters_h
#define RecoE2E_ParticleViT_plugins_modelParameters_h

// The parameters with which a module is told its model; all else it reads from the model's description.

#include <string>

#include "FWCore/ParameterSet/interface/FileInPath.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"

namespace particlevit {

  inline void describeModel(edm::ParameterSetDescription& desc) {
    desc.add<edm::FileInPath>("model")->setComment("exported model; its description (.json) lies beside it");
  }

  inline std::string modelPath(const edm::ParameterSet& config) {
    return config.getParameter<edm::FileInPath>("model").fullPath();
  }

  inline ModelMetadata readModel(const edm::ParameterSet& config) {
    return translateErrors("ParticleViTModel", [&config] { return readMetadata(modelPath(config)); });
  }

  // Of the modules that make images: the tier of the collections that they are given.
  inline void describeTier(edm::ParameterSetDescription& desc, const std::string& tier) {
    desc.add<std::string>("tier", tier)
        ->setComment("tier of the hits: full (RECO), reduced (AOD) or mini (MiniAOD); must be the model's");
    desc.add<bool>("allow_other_tier", false)
        ->setComment("accept a model that was trained on hits of another tier; its scores mean something else then");
  }

  // The images that the model takes; refuses collections of another tier.
  inline ImageDescription readImage(const edm::ParameterSet& config) {
    const auto image = readModel(config).image;
    translateErrors("ParticleViTModel", [&] {
      requireTier(image,
                  valueOf<Tier>(config.getParameter<std::string>("tier"), "tier"),
                  config.getParameter<bool>("allow_other_tier"));
    });
    return image;
  }

}  // namespace particlevit

#endif
