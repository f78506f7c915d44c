// Source that reads raw images, `images_per_event` at a time, from a .npy file of float32 (N, C, H, W).

#include <fstream>
#include <string>
#include <vector>

#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/InputSourceMacros.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Sources/interface/ProducerSourceBase.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"
#include "RecoE2E/ParticleViT/interface/npy.h"

class ParticleViTImageSource : public edm::ProducerSourceBase {
public:
  ParticleViTImageSource(const edm::ParameterSet& config, const edm::InputSourceDescription& description);
  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions);

private:
  bool setRunAndEventInfo(edm::EventID&, edm::TimeValue_t&, edm::EventAuxiliary::ExperimentType&) override;
  void produce(edm::Event& event) override;

  std::ifstream file_;
  std::size_t imageSize_;
  std::size_t remaining_;
  const std::size_t imagesPerEvent_;
  const std::string description_;
  const edm::EDPutTokenT<std::vector<float>> imagesToken_;
  edm::EDPutTokenT<std::string> descriptionToken_;
};

ParticleViTImageSource::ParticleViTImageSource(const edm::ParameterSet& config,
                                               const edm::InputSourceDescription& description)
    : edm::ProducerSourceBase(config, description, false),
      imagesPerEvent_(config.getUntrackedParameter<unsigned int>("images_per_event")),
      description_(config.getUntrackedParameter<std::string>("description")),
      imagesToken_(produces<std::vector<float>>()) {
  if (!description_.empty())
    descriptionToken_ = produces<std::string>("description");
  particlevit::translateErrors("ParticleViTImageSource", [&] {
    const auto path = config.getUntrackedParameter<std::string>("file");
    const auto shape = particlevit::test::openNpy(file_, path);
    if (shape.size() != 4)
      throw std::runtime_error(path + " has " + std::to_string(shape.size()) + " axes, expected (N, C, H, W)");
    remaining_ = shape[0];
    imageSize_ = particlevit::test::product(shape, 1);
  });
}

void ParticleViTImageSource::fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
  edm::ParameterSetDescription desc;
  desc.setComment("Reads raw images from a .npy file.");
  edm::ProducerSourceBase::fillDescription(desc);
  desc.addUntracked<std::string>("file")->setComment("float32 (N, C, H, W) in C order");
  desc.addUntracked<unsigned int>("images_per_event", 1);
  desc.addUntracked<std::string>("description", "")
      ->setComment("what the images are, as the modules that make them say it");
  descriptions.add("source", desc);
}

bool ParticleViTImageSource::setRunAndEventInfo(edm::EventID&,
                                                edm::TimeValue_t&,
                                                edm::EventAuxiliary::ExperimentType&) {
  return remaining_ > 0;
}

void ParticleViTImageSource::produce(edm::Event& event) {
  const std::size_t count = std::min(imagesPerEvent_, remaining_);
  std::vector<float> images(count * imageSize_);
  file_.read(reinterpret_cast<char*>(images.data()), static_cast<std::streamsize>(images.size() * sizeof(float)));
  if (!file_)
    throw cms::Exception("ParticleViTImageSource") << "the file ends " << remaining_ << " images too early";
  remaining_ -= count;
  event.emplace(imagesToken_, std::move(images));
  if (!description_.empty())
    event.emplace(descriptionToken_, description_);
}

DEFINE_FWK_INPUT_SOURCE(ParticleViTImageSource);
