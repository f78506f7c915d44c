#ifndef RecoE2E_ParticleViT_plugins_ScoringProducer_h
#define RecoE2E_ParticleViT_plugins_ScoringProducer_h

// What ParticleViTONNXProducer and ParticleViTTorchProducer share: parameters, the check that the images were made as
// the model's description says, batches, and the count of images that cannot be scored.
//
// A Backend is made once per job from (path, metadata, parameter `backend`) and is shared by all streams. Its Stream,
// one per stream, is made from (Backend, number of the stream) before the first event and scores:
// const std::vector<float>& run(std::vector<float>& tensor, int64_t images).

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/Frameworkfwd.h"
#include "FWCore/Framework/interface/stream/EDProducer.h"
#include "FWCore/MessageLogger/interface/MessageLogger.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/EDPutToken.h"
#include "FWCore/Utilities/interface/StreamID.h"
#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"
#include "RecoE2E/ParticleViT/interface/TensorPacker.h"
#include "RecoE2E/ParticleViT/plugins/imagesOfModel.h"
#include "RecoE2E/ParticleViT/plugins/modelParameters.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"

namespace particlevit {

  // The model of a job.
  template <typename Backend>
  class ModelCache {
  public:
    explicit ModelCache(const edm::ParameterSet& config)
        : metadata(readModel(config)), backend(load(config, metadata)) {}

    // Calls what loads the model; its errors name the file.
    template <typename Function>
    static auto load(const std::string& path, Function&& function) {
      try {
        return translateErrors("ParticleViTModel", function);
      } catch (cms::Exception& error) {
        error.addContext("Loading the model " + path);
        throw;
      }
    }

    const ModelMetadata metadata;
    const Backend backend;
    mutable std::atomic<unsigned long long> skippedImages{0};

  private:
    static Backend load(const edm::ParameterSet& config, const ModelMetadata& metadata) {
      return load(modelPath(config),
                  [&] { return Backend(modelPath(config), metadata, config.getParameter<std::string>("backend")); });
    }
  };

  template <typename Backend>
  class ScoringProducer : public edm::stream::EDProducer<edm::GlobalCache<ModelCache<Backend>>> {
  public:
    using Cache = ModelCache<Backend>;

    ScoringProducer(const edm::ParameterSet& config, const Cache* cache)
        : images_(config, this->consumesCollector(), cache->metadata.image),
          probabilitiesToken_(this->template produces<std::vector<float>>()),
          packer_(cache->metadata.image.shape(), config.getParameter<unsigned int>("max_images_per_call")),
          path_(modelPath(config)) {}

    static std::unique_ptr<Cache> initializeGlobalCache(const edm::ParameterSet& config) {
      return std::make_unique<Cache>(config);
    }

    static void globalEndJob(const Cache* cache) {
      if (const auto skipped = cache->skippedImages.load(); skipped > 0)
        edm::LogWarning("ParticleViT") << skipped << " images had values that are not finite; their probabilities are "
                                       << kNoScore;
    }

    static void fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
      edm::ParameterSetDescription desc;
      describeImages(desc);
      describeModel(desc);
      desc.add<unsigned int>("max_images_per_call", 64)
          ->setComment("limits the memory that events with many candidates take");
      desc.add<std::string>("backend", "cpu")->setComment("cpu, cuda, rocm, or auto: cuda where the job has it");
      descriptions.addWithDefaultLabel(desc);
    }

    void beginStream(edm::StreamID stream) override {
      Cache::load(path_, [&] { stream_.emplace(this->globalCache()->backend, stream); });
    }

    void produce(edm::Event& event, const edm::EventSetup&) override {
      const auto& images = images_.get(event);
      const auto& metadata = this->globalCache()->metadata;
      std::vector<float> probabilities;
      const auto skipped = translateErrors("ParticleViTImages", [&] {
        const auto run = [this](std::vector<float>& tensor, std::int64_t images) -> const std::vector<float>& {
          return stream_->run(tensor, images);
        };
        return scoreImages(images, metadata.image.shape(), metadata.classes.size(), packer_, run, probabilities);
      });
      this->globalCache()->skippedImages += skipped;
      event.emplace(probabilitiesToken_, std::move(probabilities));
    }

  private:
    const ImagesOfModel images_;
    const edm::EDPutTokenT<std::vector<float>> probabilitiesToken_;
    TensorPacker packer_;
    const std::string path_;
    std::optional<typename Backend::Stream> stream_;
  };

}  // namespace particlevit

#endif
