// Probabilities of images -> value maps of the candidates: one ValueMap<float> per class, -1 for candidates without a
// score; one ValueMap<int> per class that has working points: how many of them the candidate passes, from loose to
// tight; and the ValueMap<int> "status": 0, or why there is no score (interface/CandidateStatus.h).

#include <algorithm>
#include <cctype>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "DataFormats/Candidate/interface/Candidate.h"
#include "DataFormats/Common/interface/ValueMap.h"
#include "DataFormats/Common/interface/View.h"
#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/MakerMacros.h"
#include "FWCore/Framework/interface/global/EDProducer.h"
#include "FWCore/MessageLogger/interface/MessageLogger.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/InputTag.h"
#include "RecoE2E/ParticleViT/interface/CandidateStatus.h"
#include "RecoE2E/ParticleViT/plugins/modelParameters.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"

class ParticleViTValueMapProducer : public edm::global::EDProducer<> {
public:
  explicit ParticleViTValueMapProducer(const edm::ParameterSet& config);
  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions);
  void produce(edm::StreamID, edm::Event& event, const edm::EventSetup&) const override;
  void endJob() override { edm::LogPrint("ParticleViT") << label_ << ": " << counter_.report(); }

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
  const edm::EDGetTokenT<std::vector<int>> statusToken_;
  const edm::EDGetTokenT<std::vector<float>> probabilitiesToken_;
  const edm::EDPutTokenT<edm::ValueMap<int>> statusMapToken_;
  const std::string label_;
  std::vector<Class> classes_;
  particlevit::StatusCounter counter_;
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
      statusToken_(consumes<std::vector<int>>(config.getParameter<edm::InputTag>("status"))),
      probabilitiesToken_(consumes<std::vector<float>>(config.getParameter<edm::InputTag>("probabilities"))),
      statusMapToken_(produces<edm::ValueMap<int>>("status")),
      label_(config.getParameter<std::string>("@module_label")) {
  const auto metadata = particlevit::readModel(config);
  for (const auto& name : metadata.classes) {
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
  desc.add<edm::InputTag>("candidates", edm::InputTag("particleViTEcalCropProducer", "candidates"))
      ->setComment("for each image, the index of its candidate in src");
  desc.add<edm::InputTag>("status", edm::InputTag("particleViTEcalCropProducer", "status"))
      ->setComment("for each candidate, why it has an image or none");
  desc.add<edm::InputTag>("probabilities", edm::InputTag("particleViTONNXProducer"))
      ->setComment("for each image, one probability per class");
  particlevit::describeModel(desc);
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
  if (event.get(statusToken_).size() != candidates->size())
    throw cms::Exception("ParticleViTImages")
        << event.get(statusToken_).size() << " candidates had their status set, but src has " << candidates->size()
        << "; give the maps the same src as the images";
  const auto status = particlevit::translateErrors("ParticleViTImages", [&] {
    return particlevit::finalStatus(event.get(statusToken_), indices, probabilities, classes_.size());
  });
  for (const int value : status)
    counter_.count(static_cast<particlevit::Status>(value));

  for (std::size_t k = 0; k < classes_.size(); ++k) {
    const auto& thresholds = classes_[k].thresholds;
    std::vector<float> scores(candidates->size(), particlevit::kNoScore);
    std::vector<int> passed(candidates->size(), 0);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      if (status.at(indices[i]) != static_cast<int>(particlevit::Status::kScored))
        continue;
      const float score = probabilities[i * classes_.size() + k];
      scores.at(indices[i]) = score;
      passed.at(indices[i]) = std::upper_bound(thresholds.begin(), thresholds.end(), score) - thresholds.begin();
    }
    put(event, classes_[k].scoreToken, candidates, scores);
    if (!thresholds.empty())
      put(event, classes_[k].workingPointToken, candidates, passed);
  }
  put(event, statusMapToken_, candidates, status);
}

DEFINE_FWK_MODULE(ParticleViTValueMapProducer);
