#ifndef RecoE2E_ParticleViT_BackendChoice_h
#define RecoE2E_ParticleViT_BackendChoice_h

// Where a model runs: what a configuration asks for, and whether a job has it.

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "RecoE2E/ParticleViT/interface/ImageDescription.h"

namespace particlevit {

  enum class BackendChoice { kAuto, kCpu, kCuda, kRocm };

  template <>
  struct Names<BackendChoice> {
    static constexpr std::array<std::string_view, 4> kAll = {{"auto", "cpu", "cuda", "rocm"}};
  };

  // The backend of this name; auto is cuda where a job has it, else cpu, and never rocm, which compiles a model again
  // for each new number of images. `whyNot(backend)` says why a job cannot use one, and nothing if it can.
  // Throws if the name is unknown or the job cannot use the backend.
  template <typename WhyNot>
  BackendChoice chooseBackend(const std::string& name, WhyNot&& whyNot) {
    auto chosen = valueOf<BackendChoice>(name, "backend");
    if (chosen == BackendChoice::kAuto)
      chosen = whyNot(BackendChoice::kCuda).empty() ? BackendChoice::kCuda : BackendChoice::kCpu;
    if (const std::string reason = whyNot(chosen); !reason.empty())
      throw std::invalid_argument("backend is '" + name + "', but " + reason);
    return chosen;
  }

}  // namespace particlevit

#endif
