// Probabilities of images -> one ValueMap<float> per class for the candidates, -1 where there is no image, and one
// ValueMap<int> per class that has working points: how many of them the candidate passes, from loose to tight.

#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <vector>

#include "DataFormats/Candidate/interface/Candidate.h"
#include "DataFormats/Common/interface/ValueMap.h"
#include "DataFormats/Common/interface/View.h"
#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/MakerMacros.h"
#include "FWCore/Framework/interface/global/EDProducer.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/FileInPath.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/InputTag.h"
#include "RecoE2E/ParticleViT/interface/ModelMetadata.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"

class ParticleViTValueMapProducer : public edm::global::EDProducer<> {
public:
  explicit ParticleViTValueMapProducer(const edm::ParameterSet& config);
  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions);
  void produce(edm::StreamID, edm::Event& event, const edm::EventSetup&) const override;

private:
  struct Class {
    std::vector<double> thresholds;
    edm::EDPutTokenT<edm::ValueMap<float>> scoreToken;
    edm::EDPutTokenT<edm::ValueMap<int>> workingPointToken;
  };

  using Candidates = edm::Handle<edm::View<reco::Candidate>>;

  template <typename T>
  static void put(edm::Event& event,
                  const edm::EDPutTokenT<edm::ValueMap<T>>& token,
                  const Candidates& candidates,
                  const std::vector<T>& values);

  const edm::EDGetTokenT<edm::View<reco::Candidate>> candidatesToken_;
  const edm::EDGetTokenT<std::vector<int>> indicesToken_;
  const edm::EDGetTokenT<std::vector<float>> probabilitiesToken_;
  std::vector<Class> classes_;
};

namespace {
  // Instance names may have letters and digits only.
  std::string instanceName(const std::string& name) {
    std::string instance;
    std::copy_if(
        name.begin(), name.end(), std::back_inserter(instance), [](unsigned char c) { return std::isalnum(c); });
    return instance;
  }
}  // namespace

ParticleViTValueMapProducer::ParticleViTValueMapProducer(const edm::ParameterSet& config)
    : candidatesToken_(consumes<edm::View<reco::Candidate>>(config.getParameter<edm::InputTag>("src"))),
      indicesToken_(consumes<std::vector<int>>(config.getParameter<edm::InputTag>("candidates"))),
      probabilitiesToken_(consumes<std::vector<float>>(config.getParameter<edm::InputTag>("probabilities"))) {
  const auto metadata = particlevit::translateErrors("ParticleViTModel", [&config] {
    return particlevit::readMetadata(config.getParameter<edm::FileInPath>("model").fullPath());
  });
  for (const auto& name : metadata.contract.classes) {
    const auto points = metadata.workingPoints.find(name);
    Class output{{}, produces<edm::ValueMap<float>>(instanceName(name)), {}};
    if (points != metadata.workingPoints.end()) {
      output.thresholds = points->second;
      output.workingPointToken = produces<edm::ValueMap<int>>(instanceName(name) + "WorkingPoint");
    }
    classes_.push_back(std::move(output));
  }
}

void ParticleViTValueMapProducer::fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
  edm::ParameterSetDescription desc;
  desc.add<edm::InputTag>("src", edm::InputTag("gedPhotons"))->setComment("candidates that the maps belong to");
  desc.add<edm::InputTag>("candidates", edm::InputTag("ecalCropProducer", "candidates"))
      ->setComment("for each image, the index of its candidate in src");
  desc.add<edm::InputTag>("probabilities", edm::InputTag("particleViTONNXProducer"))
      ->setComment("for each image, one probability per class");
  desc.add<edm::FileInPath>("model")->setComment(
      "the model, whose description (.json) names classes and working points");
  descriptions.addWithDefaultLabel(desc);
}

template <typename T>
void ParticleViTValueMapProducer::put(edm::Event& event,
                                      const edm::EDPutTokenT<edm::ValueMap<T>>& token,
                                      const Candidates& candidates,
                                      const std::vector<T>& values) {
  edm::ValueMap<T> map;
  typename edm::ValueMap<T>::Filler filler(map);
  filler.insert(candidates, values.begin(), values.end());
  filler.fill();
  event.emplace(token, std::move(map));
}

void ParticleViTValueMapProducer::produce(edm::StreamID, edm::Event& event, const edm::EventSetup&) const {
  const auto candidates = event.getHandle(candidatesToken_);
  const auto& indices = event.get(indicesToken_);
  const auto& probabilities = event.get(probabilitiesToken_);
  if (probabilities.size() != indices.size() * classes_.size())
    throw cms::Exception("ParticleViTImages") << probabilities.size() << " probabilities for " << indices.size()
                                              << " images, expected " << classes_.size() << " classes each";

  for (std::size_t k = 0; k < classes_.size(); ++k) {
    const auto& thresholds = classes_[k].thresholds;
    std::vector<float> scores(candidates->size(), particlevit::kNoScore);
    std::vector<int> passed(candidates->size(), 0);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const float score = probabilities[i * classes_.size() + k];
      scores.at(indices[i]) = score;
      passed.at(indices[i]) = std::upper_bound(thresholds.begin(), thresholds.end(), score) - thresholds.begin();
    }
    put(event, classes_[k].scoreToken, candidates, scores);
    if (!thresholds.empty())
      put(event, classes_[k].workingPointToken, candidates, passed);
  }
}

DEFINE_FWK_MODULE(ParticleViTValueMapProducer);
