#ifndef RecoE2E_ParticleViT_plugins_imageContract_h
#define RecoE2E_ParticleViT_plugins_imageContract_h

#include <string>
#include <vector>

#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/Exception.h"
#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"

namespace particlevit {

  // Declares `channels`, `height` and `width` of the images that a module makes.
  inline void describeImages(edm::ParameterSetDescription& desc,
                             const std::vector<std::string>& channels,
                             unsigned int height,
                             unsigned int width) {
    desc.add<std::vector<std::string>>("channels", channels)->setComment("channels of the images, in this order");
    desc.add<unsigned int>("height", height)->setComment("rows of the images, along eta");
    desc.add<unsigned int>("width", width)->setComment("columns of the images, along phi");
  }

  inline ImageShape imageShape(const edm::ParameterSet& config) {
    return {static_cast<int>(config.getParameter<std::vector<std::string>>("channels").size()),
            static_cast<int>(config.getParameter<unsigned int>("height")),
            static_cast<int>(config.getParameter<unsigned int>("width"))};
  }

  // Positions of the configured channels in `known`, in the configured order.
  inline std::vector<int> channelIndices(const edm::ParameterSet& config, const std::vector<std::string>& known) {
    std::vector<int> indices;
    for (const auto& name : config.getParameter<std::vector<std::string>>("channels")) {
      const auto found = std::find(known.begin(), known.end(), name);
      if (found == known.end())
        throw cms::Exception("Configuration") << "channels names '" << name << "', known are " << join(known);
      indices.push_back(static_cast<int>(found - known.begin()));
    }
    if (indices.empty() || imageShape(config).size() == 0)
      throw cms::Exception("Configuration") << "images need at least one channel, one row and one column";
    return indices;
  }

}  // namespace particlevit

#endif
