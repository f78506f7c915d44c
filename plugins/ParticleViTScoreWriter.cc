// Writes the probabilities of all events, in the order of their numbers, to a .npy file of float32 (N, classes).

#include <algorithm>
#include <string>
#include <vector>

#include "FWCore/Framework/interface/Event.h"
#include "FWCore/Framework/interface/MakerMacros.h"
#include "FWCore/Framework/interface/one/EDAnalyzer.h"
#include "FWCore/ParameterSet/interface/ConfigurationDescriptions.h"
#include "FWCore/ParameterSet/interface/ParameterSet.h"
#include "FWCore/ParameterSet/interface/ParameterSetDescription.h"
#include "FWCore/Utilities/interface/InputTag.h"
#include "RecoE2E/ParticleViT/plugins/translateErrors.h"
#include "RecoE2E/ParticleViT/interface/npy.h"

class ParticleViTScoreWriter : public edm::one::EDAnalyzer<> {
public:
  explicit ParticleViTScoreWriter(const edm::ParameterSet& config)
      : probabilitiesToken_(consumes<std::vector<float>>(config.getUntrackedParameter<edm::InputTag>("probabilities"))),
        file_(config.getUntrackedParameter<std::string>("file")),
        classes_(config.getUntrackedParameter<unsigned int>("classes")),
        eventSize_(classes_ * config.getUntrackedParameter<unsigned int>("images_per_event")) {}

  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
    edm::ParameterSetDescription desc;
    desc.addUntracked<edm::InputTag>("probabilities", edm::InputTag("particleViTONNXProducer"));
    desc.addUntracked<std::string>("file")->setComment("where the scores go (.npy)");
    desc.addUntracked<unsigned int>("classes", 2);
    desc.addUntracked<unsigned int>("images_per_event", 1)->setComment("of all events but the last one");
    descriptions.addWithDefaultLabel(desc);
  }

  void analyze(const edm::Event& event, const edm::EventSetup&) override {
    const auto& scores = event.get(probabilitiesToken_);
    const std::size_t start = (event.id().event() - 1) * eventSize_;
    scores_.resize(std::max(scores_.size(), start + scores.size()));
    std::copy(scores.begin(), scores.end(), scores_.begin() + start);
  }

  void endJob() override {
    particlevit::translateErrors("ParticleViTScoreWriter", [&] {
      particlevit::test::writeNpy(file_, {scores_.size() / classes_, classes_}, scores_);
    });
  }

private:
  const edm::EDGetTokenT<std::vector<float>> probabilitiesToken_;
  const std::string file_;
  const std::size_t classes_;
  const std::size_t eventSize_;
  std::vector<float> scores_;
};

DEFINE_FWK_MODULE(ParticleViTScoreWriter);
