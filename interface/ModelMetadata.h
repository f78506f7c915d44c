#ifndef RecoE2E_ParticleViT_ModelMetadata_h
#define RecoE2E_ParticleViT_ModelMetadata_h

// What a model expects and gives, read from the JSON file beside it (model.onnx or model.pt -> model.json).

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "RecoE2E/ParticleViT/interface/ImageDescription.h"
#include "RecoE2E/ParticleViT/interface/Sha256.h"

namespace particlevit {

  constexpr int kFormatVersion = 2;

  struct ModelMetadata {
    ImageDescription image;
    std::string name;
    std::vector<std::string> classes;
    std::string input;
    std::string output;
    std::map<std::string, std::vector<double>> workingPoints;  // class -> thresholds, from loose to tight
    std::set<std::string> checksums;                           // SHA-256 of the files that the description is for
  };

  // Path of the metadata of a model file: the same name with the ending .json.
  inline std::string metadataPath(const std::string& modelPath) {
    const auto slash = modelPath.find_last_of('/');
    const auto dot = modelPath.find_last_of('.');
    const bool hasEnding = dot != std::string::npos && (slash == std::string::npos || dot > slash);
    return modelPath.substr(0, hasEnding ? dot : std::string::npos) + ".json";
  }

  namespace json {

    using Object = nlohmann::json;

    // Value of a key, whose full name stands in the errors.
    template <typename Value>
    Value get(const Object& object, const std::string& key, const std::string& where = "") {
      const auto found = object.find(key);
      if (found == object.end())
        throw std::invalid_argument("it lacks " + where + key);
      try {
        return found->get<Value>();
      } catch (const nlohmann::json::exception& error) {
        throw std::invalid_argument(where + key + ": " + error.what());
      }
    }

    template <typename Value>
    Value choice(const Object& object, const std::string& key) {
      return valueOf<Value>(get<std::string>(object, key, "image."), "image." + key);
    }

    // [low, high], where null is an open end; an absent key sets no limit.
    inline Range range(const Object& domain, const std::string& key) {
      Range range;
      if (!domain.contains(key))
        return range;
      const auto ends = get<std::vector<Object>>(domain, key, "image.domain.");
      if (ends.size() != 2 ||
          !std::all_of(ends.begin(), ends.end(), [](const Object& end) { return end.is_null() || end.is_number(); }))
        throw std::invalid_argument("image.domain." + key + " is not [low, high]");
      if (!ends[0].is_null())
        range.low = ends[0].get<double>();
      if (!ends[1].is_null())
        range.high = ends[1].get<double>();
      return range;
    }

    inline Window window(const Object& image) {
      const auto seed = get<std::vector<int>>(image, "seed", "image.");
      const auto height = get<int>(image, "height", "image.");
      const auto width = get<int>(image, "width", "image.");
      if (height < 1 || width < 1)
        throw std::invalid_argument("images of " + std::to_string(height) + " x " + std::to_string(width) + " cells");
      if (seed.size() != 2 || seed[0] < 0 || seed[0] >= height || seed[1] < 0 || seed[1] >= width)
        throw std::invalid_argument("image.seed is no cell of " + std::to_string(height) + " x " +
                                    std::to_string(width));
      return {height, width, {seed[0], seed[1]}};
    }

    inline ImageDescription image(const Object& object) {
      ImageDescription image;
      for (const auto& channel : get<std::vector<Object>>(object, "channels", "image."))
        image.channels.push_back(
            {get<std::string>(channel, "name", "image.channels."),
             get<std::string>(channel, "unit", "image.channels."),
             valueOf<ChannelKind>(get<std::string>(channel, "kind", "image.channels."), "image.channels.kind")});
      if (image.channels.empty())
        throw std::invalid_argument("image.channels is empty");
      image.window = window(object);
      const auto grid = get<Object>(object, "grid", "image.");
      image.grid = valueOf<Grid>(get<std::string>(grid, "kind", "image.grid."), "image.grid.kind");
      if (image.grid == Grid::kEtaPhi) {
        image.etaHalfWidth = get<double>(grid, "eta_half_width", "image.grid.");
        image.phiHalfWidth = get<double>(grid, "phi_half_width", "image.grid.");
      }
      image.tier = choice<Tier>(object, "tier");
      image.trackPosition = choice<TrackPosition>(object, "track_position");
      image.jetSeed = choice<JetSeed>(object, "jet_seed");
      const auto domain = get<Object>(object, "domain", "image.");
      image.domain = {range(domain, "pt"), range(domain, "abs_eta"), range(domain, "seed_rows")};
      return image;
    }

    inline ModelMetadata model(const Object& object) {
      if (const int version = get<int>(object, "format_version"); version != kFormatVersion)
        throw std::invalid_argument("it has format_version " + std::to_string(version) + ", expected " +
                                    std::to_string(kFormatVersion) +
                                    "; export the run again with this version of the package");
      ModelMetadata model;
      model.image = image(get<Object>(object, "image"));
      model.name = get<std::string>(object, "name");
      model.classes = get<std::vector<std::string>>(object, "classes");
      model.input = get<std::string>(object, "input");
      model.output = get<std::string>(object, "output");
      if (model.classes.empty())
        throw std::invalid_argument("classes is empty");
      if (object.contains("working_points"))
        for (const auto& [name, points] : get<std::map<std::string, Object>>(object, "working_points")) {
          auto& thresholds = model.workingPoints[name];
          for (const auto& [efficiency, threshold] : points.get<std::map<std::string, double>>())
            thresholds.push_back(threshold);
          std::sort(thresholds.begin(), thresholds.end());
        }
      for (const auto& entry : object)
        if (entry.is_object() && entry.contains("file") && entry.contains("sha256"))
          model.checksums.insert(get<std::string>(entry, "sha256"));
      return model;
    }

  }  // namespace json

  // Reads a description (model.json) alone.
  inline ModelMetadata readDescription(const std::string& path) {
    std::ifstream file(path);
    if (!file)
      throw std::runtime_error("cannot read " + path);
    try {
      const auto object = json::Object::parse(file);
      if (!object.is_object())
        throw std::invalid_argument("it is no JSON object");
      return json::model(object);
    } catch (const nlohmann::json::exception& error) {
      throw std::runtime_error(path + " is no valid model description: " + error.what());
    } catch (const std::invalid_argument& error) {
      throw std::runtime_error(path + " is no valid model description: " + error.what());
    }
  }

  // Reads the description of a model file and makes sure that it was written for this very file.
  inline ModelMetadata readMetadata(const std::string& modelPath) {
    const std::string path = metadataPath(modelPath);
    if (!std::ifstream(path))
      throw std::runtime_error("cannot read " + path + ", which describes the model " + modelPath +
                               "; put both files of the export in the same folder");
    ModelMetadata model = readDescription(path);
    const std::string found = sha256OfFile(modelPath);
    if (model.checksums.count(found) == 0)
      throw std::runtime_error(modelPath + " has the checksum " + found + ", but " + path + " describes files with " +
                               join(model.checksums) + "; the file was damaged or exchanged, export the run again");
    return model;
  }

}  // namespace particlevit

#endif
