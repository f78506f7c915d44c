// Images -> probabilities by a Triton server (SONIC): the images of an event are one request, which the framework
// sends while other modules run. The model's description is that of the file that the server runs.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "HeterogeneousCore/SonicTriton/interface/TritonEDProducer.h"

#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/Frameworkfwd.h"
#include "FWCore/Framework/interface/MakerMacros.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/EDGetToken.h"
#include "FWCore/Utilities/interface/EDPutToken.h"
#include "FWCore/Utilities/interface/Exception.h"
#include "FWCore/Utilities/interface/InputTag.h"
#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"
#include "RecoE2E/ParticleViT/interface/TensorPacker.h"
#include "RecoE2E/ParticleViT/plugins/imagesOfModel.h"
#include "RecoE2E/ParticleViT/plugins/modelParameters.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"

class ParticleViTTritonProducer : public TritonEDProducer<> {
public:
  explicit ParticleViTTritonProducer(const edm::ParameterSet& config)
      : TritonEDProducer<>(config),
        metadata_(particlevit::readModel(config)),
        images_(config, consumesCollector(), metadata_.image),
        probabilitiesToken_(produces<std::vector<float>>()),
        packer_(metadata_.image.shape(), config.getParameter<unsigned int>("max_images_per_call")) {}

  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
    edm::ParameterSetDescription desc;
    TritonClient::fillPSetDescription(desc);
    particlevit::describeImages(desc);
    particlevit::describeModel(desc);
    desc.add<unsigned int>("max_images_per_call", 64)
        ->setComment("most images of an event; at most max_batch_size of the served model");
    descriptions.addWithDefaultLabel(desc);
  }

  void acquire(const edm::Event& event, const edm::EventSetup&, Input& input) override {
    const auto& images = images_.get(event);
    const auto size = metadata_.image.shape().size();
    count_ =
        particlevit::translateErrors("ParticleViTImages", [&] { return metadata_.image.shape().count(images.size()); });
    packer_.clear();
    for (std::size_t next = 0; next < count_; ++next) {
      if (packer_.full())
        throw cms::Exception("ParticleViTImages")
            << count_ << " images in an event, more than max_images_per_call = " << packer_.size()
            << "; raise it, and max_batch_size of the served model (scripts/export.py --triton)";
      packer_.add(images.data() + next * size, next);
    }
    client_->setBatchSize(packer_.size());
    if (packer_.empty())
      return;  // nothing is sent
    auto& tensor = input.at(metadata_.input);
    const auto data = tensor.allocate<float>();
    for (std::size_t i = 0; i < packer_.size(); ++i)
      data->at(i).assign(packer_.tensor().begin() + i * size, packer_.tensor().begin() + (i + 1) * size);
    tensor.toServer(data);
  }

  void produce(edm::Event& event, const edm::EventSetup&, const Output& output) override {
    const auto classes = metadata_.classes.size();
    std::vector<float> probabilities(count_ * classes, particlevit::kNoScore);
    if (!packer_.empty()) {
      const auto scores = output.at(metadata_.output).fromServer<float>();
      for (std::size_t i = 0; i < packer_.size(); ++i) {
        if (static_cast<std::size_t>(scores[i].size()) != classes)
          throw cms::Exception("ParticleViTModel")
              << "the server returned " << scores[i].size() << " values for an image, expected " << classes;
        std::copy(scores[i].begin(), scores[i].end(), probabilities.begin() + packer_.indices()[i] * classes);
      }
    }
    event.emplace(probabilitiesToken_, std::move(probabilities));
  }

private:
  const particlevit::ModelMetadata metadata_;
  const particlevit::ImagesOfModel images_;
  const edm::EDPutTokenT<std::vector<float>> probabilitiesToken_;
  particlevit::TensorPacker packer_;
  std::size_t count_ = 0;
};

DEFINE_FWK_MODULE(ParticleViTTritonProducer);
