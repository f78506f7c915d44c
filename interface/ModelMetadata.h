#ifndef RecoE2E_ParticleViT_ModelMetadata_h
#define RecoE2E_ParticleViT_ModelMetadata_h

// What a model expects and gives, read from the JSON file beside it (model.onnx or model.pt -> model.json).

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/property_tree/json_parser.hpp>
#include <boost/property_tree/ptree.hpp>

#include "RecoE2E/ParticleViT/interface/TensorPacker.h"

namespace particlevit {

  // The images that a configuration offers, and the classes that it expects back; both are what a model names.
  struct ImageContract {
    std::vector<std::string> channels;
    std::vector<std::string> units;
    int height = 0;
    int width = 0;
    std::vector<std::string> classes;

    ImageShape shape() const { return {static_cast<int>(channels.size()), height, width}; }
  };

  struct ModelMetadata {
    ImageContract contract;
    std::string name;
    std::string input;
    std::string output;
    std::map<std::string, std::vector<double>> workingPoints;  // class -> thresholds, from loose to tight
  };

  inline std::string join(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
      text += (text.empty() ? "" : ", ") + word;
    return "[" + text + "]";
  }

  inline std::string describe(const ImageContract& contract) {
    std::ostringstream text;
    text << "channels " << join(contract.channels) << " in units " << join(contract.units) << ", " << contract.height
         << " x " << contract.width << ", classes " << join(contract.classes);
    return text.str();
  }

  // Path of the metadata of a model file: the same name with the ending .json.
  inline std::string metadataPath(const std::string& modelPath) {
    const auto slash = modelPath.find_last_of('/');
    const auto dot = modelPath.find_last_of('.');
    const bool hasEnding = dot != std::string::npos && (slash == std::string::npos || dot > slash);
    return modelPath.substr(0, hasEnding ? dot : std::string::npos) + ".json";
  }

  inline ModelMetadata readMetadata(const std::string& modelPath) {
    namespace pt = boost::property_tree;
    const std::string path = metadataPath(modelPath);
    std::ifstream file(path);
    if (!file)
      throw std::runtime_error("cannot read " + path + ", which describes the model " + modelPath +
                               "; put both files of the export in the same folder");
    try {
      pt::ptree json;
      pt::read_json(file, json);
      if (const int version = json.get<int>("format_version"); version != 1)
        throw std::runtime_error(path + " has format_version " + std::to_string(version) + ", expected 1");
      const auto strings = [&json](const char* key) {
        std::vector<std::string> values;
        for (const auto& item : json.get_child(key))
          values.push_back(item.second.get_value<std::string>());
        return values;
      };
      ModelMetadata model;
      model.contract = {strings("image.channels"),
                        strings("image.units"),
                        json.get<int>("image.height"),
                        json.get<int>("image.width"),
                        strings("classes")};
      model.name = json.get<std::string>("name");
      model.input = json.get<std::string>("input");
      model.output = json.get<std::string>("output");
      if (const auto all = json.get_child_optional("working_points"))
        for (const auto& [name, points] : *all) {
          auto& thresholds = model.workingPoints[name];
          for (const auto& point : points)
            thresholds.push_back(point.second.get_value<double>());
          std::sort(thresholds.begin(), thresholds.end());
        }
      return model;
    } catch (const pt::ptree_error& error) {
      throw std::runtime_error(path + " is no valid model description: " + error.what());
    }
  }

  // Throws, naming both sides, unless the model takes the configured images and gives the configured classes.
  inline void requireMatch(const ImageContract& configured, const ModelMetadata& model) {
    const ImageContract& own = model.contract;
    if (configured.channels != own.channels || configured.units != own.units || configured.height != own.height ||
        configured.width != own.width || configured.classes != own.classes)
      throw std::invalid_argument("the model '" + model.name + "' expects " + describe(own) +
                                  ", but the configuration gives " + describe(configured));
  }

}  // namespace particlevit

#endif
