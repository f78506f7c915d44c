// Writes the probabilities of all events, in the order of their numbers, to a .npy file of float32 (N, classes).

#include <map>
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
#include "RecoE2E/ParticleViT/test/cpp/npy.h"

class ParticleViTScoreWriter : public edm::one::EDAnalyzer<> {
public:
  explicit ParticleViTScoreWriter(const edm::ParameterSet& config)
      : probabilitiesToken_(consumes<std::vector<float>>(config.getUntrackedParameter<edm::InputTag>("probabilities"))),
        file_(config.getUntrackedParameter<std::string>("file")),
        classes_(config.getUntrackedParameter<unsigned int>("classes")) {}

  static void fillDescriptions(edm::ConfigurationDescriptions& descriptions) {
    edm::ParameterSetDescription desc;
    desc.addUntracked<edm::InputTag>("probabilities", edm::InputTag("particleViTONNXProducer"));
    desc.addUntracked<std::string>("file")->setComment("where the scores go (.npy)");
    desc.addUntracked<unsigned int>("classes", 2);
    descriptions.addWithDefaultLabel(desc);
  }

  void analyze(const edm::Event& event, const edm::EventSetup&) override {
    scores_[event.id().event()] = event.get(probabilitiesToken_);
  }

  void endJob() override {
    std::vector<float> all;
    for (const auto& [number, scores] : scores_)
      all.insert(all.end(), scores.begin(), scores.end());
    particlevit::translateErrors("ParticleViTScoreWriter", [&] {
      particlevit::test::writeNpy(file_, {all.size() / classes_, classes_}, all);
    });
  }

private:
  const edm::EDGetTokenT<std::vector<float>> probabilitiesToken_;
  const std::string file_;
  const std::size_t classes_;
  std::map<edm::EventNumber_t, std::vector<float>> scores_;
};

DEFINE_FWK_MODULE(ParticleViTScoreWriter);
