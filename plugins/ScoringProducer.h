#ifndef RecoE2E_ParticleViT_plugins_ScoringProducer_h
#define RecoE2E_ParticleViT_plugins_ScoringProducer_h

// What ParticleViTONNXProducer and ParticleViTTorchProducer share: parameters, the check of the model against the
// configured images, batches, and the count of images that cannot be scored.
//
// A Backend is made once per job from (path, metadata) and is shared by all streams. Its Stream, one per stream, is
// made from the Backend and scores: const std::vector<float>& run(std::vector<float>& tensor, int64_t images).

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/Frameworkfwd.h"
#include "FWCore/Framework/interface/stream/EDProducer.h"
#include "FWCore/MessageLogger/interface/MessageLogger.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/FileInPath.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/EDGetToken.h"
#include "FWCore/Utilities/interface/EDPutToken.h"
#include "FWCore/Utilities/interface/InputTag.h"
#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"
#include "RecoE2E/ParticleViT/interface/TensorPacker.h"
#include "RecoE2E/ParticleViT/plugins/imageContract.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"

namespace particlevit {

  // The model of a job; refuses one that does not fit the configured images.
  template <typename Backend>
  class ModelCache {
  public:
    explicit ModelCache(const edm::ParameterSet& config)
        : metadata(checkedMetadata(config)), backend(load(config, metadata)) {}

    const ModelMetadata metadata;
    const Backend backend;
    mutable std::atomic<unsigned long long> skippedImages{0};

  private:
    static std::string path(const edm::ParameterSet& config) {
      return config.getParameter<edm::FileInPath>("model").fullPath();
    }

    static ModelMetadata checkedMetadata(const edm::ParameterSet& config) {
      return translateErrors("ParticleViTModel", [&config] {
        const auto metadata = readMetadata(path(config));
        requireMatch({config.getParameter<std::vector<std::string>>("channels"),
                      config.getParameter<std::vector<std::string>>("units"),
                      static_cast<int>(config.getParameter<unsigned int>("height")),
                      static_cast<int>(config.getParameter<unsigned int>("width")),
                      config.getParameter<std::vector<std::string>>("classes")},
                     metadata);
        return metadata;
      });
    }

    static Backend load(const edm::ParameterSet& config, const ModelMetadata& metadata) {
      try {
        return translateErrors("ParticleViTModel", [&] { return Backend(path(config), metadata); });
      } catch (cms::Exception& error) {
        error.addContext("Loading the model " + path(config));
        throw;
      }
    }
  };

  template <typename Backend>
  class ScoringProducer : public edm::stream::EDProducer<edm::GlobalCache<ModelCache<Backend>>> {
  public:
    using Cache = ModelCache<Backend>;

    ScoringProducer(const edm::ParameterSet& config, const Cache* cache)
        : imagesToken_(this->template consumes<std::vector<float>>(config.getParameter<edm::InputTag>("images"))),
          probabilitiesToken_(this->template produces<std::vector<float>>()),
          packer_(cache->metadata.contract.shape(), config.getParameter<unsigned int>("max_images_per_call")),
          stream_(cache->backend) {}

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
      desc.add<edm::InputTag>("images", edm::InputTag("ecalCropProducer", "images"))
          ->setComment("images of all candidates of an event, one after the other (channel, row, column)");
      desc.add<edm::FileInPath>("model")->setComment("exported model; its description (.json) lies beside it");
      describeImages(desc, {"energy", "time"}, 32, 32);
      desc.add<std::vector<std::string>>("units", {"GeV", "ns"})->setComment("unit of each channel");
      desc.add<std::vector<std::string>>("classes", {"photon", "electron"})
          ->setComment("classes of the probabilities, in this order");
      desc.add<unsigned int>("max_images_per_call", 64)
          ->setComment("limits the memory that events with many candidates take");
      descriptions.addWithDefaultLabel(desc);
    }

    void produce(edm::Event& event, const edm::EventSetup&) override {
      const auto& metadata = this->globalCache()->metadata;
      std::vector<float> probabilities;
      const auto skipped = translateErrors("ParticleViTImages", [&] {
        const auto run = [this](std::vector<float>& tensor, std::int64_t images) -> const std::vector<float>& {
          return stream_.run(tensor, images);
        };
        return scoreImages(event.get(imagesToken_),
                           metadata.contract.shape(),
                           metadata.contract.classes.size(),
                           packer_,
                           run,
                           probabilities);
      });
      this->globalCache()->skippedImages += skipped;
      event.emplace(probabilitiesToken_, std::move(probabilities));
    }

  private:
    const edm::EDGetTokenT<std::vector<float>> imagesToken_;
    const edm::EDPutTokenT<std::vector<float>> probabilitiesToken_;
    TensorPacker packer_;
    typename Backend::Stream stream_;
  };

}  // namespace particlevit

#endif
