#ifndef RecoE2E_ParticleViT_CandidateStatus_h
#define RecoE2E_ParticleViT_CandidateStatus_h

// Why a candidate has no score. The values are documented in plugins/README.md and go to NanoAOD: never renumber them.

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "RecoE2E/ParticleViT/interface/Hits.h"
#include "RecoE2E/ParticleViT/interface/ImageDescription.h"

namespace particlevit {

  enum class Status : int { kScored, kPt, kEta, kNoSeed, kSeedRow, kWindow, kNotFinite };

  template <>
  struct Names<Status> {
    static constexpr std::array<std::string_view, 7> kAll = {{"scored",
                                                              "pT outside of the model's domain",
                                                              "|eta| outside of the model's domain",
                                                              "no seed",
                                                              "seed row outside of the model's domain",
                                                              "window leaves the detector",
                                                              "values not finite"}};
  };

  // What is known before any hit is looked at.
  inline Status selection(const Domain& domain, const Candidate& candidate) {
    if (!domain.pt.contains(candidate.pt))
      return Status::kPt;
    return domain.absEta.contains(std::abs(candidate.eta)) ? Status::kScored : Status::kEta;
  }

  // Whether the probabilities of an image are numbers; kNoScore is none.
  inline bool isScore(const float* probabilities, std::size_t classes) {
    return std::all_of(probabilities, probabilities + classes, [](float p) { return std::isfinite(p) && p >= 0.f; });
  }

  // The status of each candidate when the images have been scored: `indices` has the candidate of each image, and those
  // whose probabilities are not finite have no score. Throws if the numbers do not agree.
  inline std::vector<int> finalStatus(std::vector<int> status,
                                      const std::vector<int>& indices,
                                      const std::vector<float>& probabilities,
                                      std::size_t classes) {
    if (probabilities.size() != indices.size() * classes)
      throw std::length_error(std::to_string(probabilities.size()) + " probabilities for " +
                              std::to_string(indices.size()) + " images, expected " + std::to_string(classes) +
                              " classes each");
    for (std::size_t i = 0; i < indices.size(); ++i)
      if (!isScore(probabilities.data() + i * classes, classes))
        status.at(indices[i]) = static_cast<int>(Status::kNotFinite);
    return status;
  }

  // Counts candidates by status, for all threads of a job.
  class StatusCounter {
  public:
    void count(Status status) const { ++counts_.at(static_cast<std::size_t>(status)); }

    // "12 candidates scored; not scored: 3 no seed, 1 values not finite", without causes that did not occur.
    std::string report() const {
      std::string text = std::to_string(counts_[0].load()) + " candidates scored";
      bool first = true;
      for (std::size_t i = 1; i < counts_.size(); ++i)
        if (const auto count = counts_[i].load(); count > 0) {
          text += (first ? "; not scored: " : ", ") + std::to_string(count) + " " + nameOf(static_cast<Status>(i));
          first = false;
        }
      return text;
    }

  private:
    mutable std::array<std::atomic<unsigned long long>, Names<Status>::kAll.size()> counts_{};
  };

}  // namespace particlevit

#endif
