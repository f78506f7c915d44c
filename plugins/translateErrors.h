#ifndef RecoE2E_ParticleViT_plugins_translateErrors_h
#define RecoE2E_ParticleViT_plugins_translateErrors_h

#include <exception>
#include <utility>

#include "FWCore/Utilities/interface/Exception.h"

namespace particlevit {

  // Calls `function`; what interface/, ONNX Runtime or libtorch throw becomes a cms::Exception of this category.
  template <typename Function>
  decltype(auto) translateErrors(const char* category, Function&& function) {
    try {
      return std::forward<Function>(function)();
    } catch (const cms::Exception&) {
      throw;
    } catch (const std::exception& error) {
      throw cms::Exception(category) << error.what();
    }
  }

}  // namespace particlevit

#endif
