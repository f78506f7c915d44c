#ifndef RecoE2E_ParticleViT_plugins_OnnxSessions_h
#define RecoE2E_ParticleViT_plugins_OnnxSessions_h

// All that this package knows of PhysicsTools/ONNXRuntime, in its forms from CMSSW_13_1 to the newest:
//   Backend {cpu, cuda} and run, one session per job           13_1 and later
//   runInto, which re-uses the outputs' memory                 2026
//   rocm, ONNXService and SessionCache (a session per GPU stream)  after it
// Each is found by what the headers have, not by a release's number.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "FWCore/ServiceRegistry/interface/Service.h"
#include "FWCore/Utilities/interface/StreamID.h"
#include "PhysicsTools/ONNXRuntime/interface/ONNXRuntime.h"
#if __has_include("PhysicsTools/ONNXRuntime/interface/SessionCache.h")
#include "PhysicsTools/ONNXRuntime/interface/ONNXInterface.h"
#include "PhysicsTools/ONNXRuntime/interface/SessionCache.h"
#define PARTICLEVIT_ONNX_SERVICE
#elif __has_include("HeterogeneousCore/CUDAServices/interface/CUDAInterface.h")
#include "HeterogeneousCore/CUDAServices/interface/CUDAInterface.h"
#define PARTICLEVIT_CUDA_SERVICE
#endif
#include "RecoE2E/ParticleViT/interface/BackendChoice.h"

namespace particlevit::onnx {

  using Backend = cms::Ort::Backend;

  // The release's value for rocm, where it has one.
  template <typename T, typename = void>
  struct Rocm {
    static constexpr bool kKnown = false;
    static constexpr T kValue = T::cpu;
  };
  template <typename T>
  struct Rocm<T, std::void_t<decltype(T::rocm)>> {
    static constexpr bool kKnown = true;
    static constexpr T kValue = T::rocm;
  };

  template <typename Session, typename = void>
  struct HasRunInto : std::false_type {};
  template <typename Session>
  struct HasRunInto<Session, std::void_t<decltype(&Session::runInto)>> : std::true_type {};

  // Scores `images` images of `values` into `scores`; all have one array per name.
  template <typename Session>
  void run(const Session& session,
           const std::vector<std::string>& inputs,
           cms::Ort::FloatArrays& values,
           const std::vector<std::string>& outputs,
           cms::Ort::FloatArrays& scores,
           std::int64_t images) {
    if constexpr (HasRunInto<Session>::value)
      session.runInto(inputs, values, {}, outputs, scores, {}, images);
    else
      scores = session.run(inputs, values, {}, outputs, images);
  }

  inline Backend toRelease(BackendChoice choice) {
    if (choice == BackendChoice::kRocm)
      return Rocm<Backend>::kValue;
    return choice == BackendChoice::kCuda ? Backend::cuda : Backend::cpu;
  }

#ifdef PARTICLEVIT_ONNX_SERVICE
  inline std::string whyNotDevice(BackendChoice choice) {
    const edm::Service<cms::Ort::ONNXInterface> service;
    if (!service.isAvailable())
      return "the process has no ONNXService; load RecoE2E.ParticleViT.particleViTServices_cff";
    return service->isAvailable(toRelease(choice)) ? "" : "ONNXService finds no device for it; set it to cpu or auto";
  }
#else
  inline std::string whyNotDevice(BackendChoice choice) {
    if (choice == BackendChoice::kCpu)
      return "";
    const auto built = ::Ort::GetAvailableProviders();
    const auto has = [&built](const char* name) { return std::find(built.begin(), built.end(), name) != built.end(); };
    if (choice == BackendChoice::kCuda ? !has("CUDAExecutionProvider")
                                       : !has("ROCMExecutionProvider") && !has("MIGraphXExecutionProvider"))
      return "ONNX Runtime was built with " + join(built) + " only; set it to cpu or auto";
#ifdef PARTICLEVIT_CUDA_SERVICE
    const edm::Service<CUDAInterface> cuda;
    if (choice == BackendChoice::kCuda && !(cuda.isAvailable() && cuda->enabled()))
      return "the process has no CUDAService that finds a GPU; load "
             "Configuration.StandardSequences.Accelerators_cff, or set it to cpu or auto";
#endif
    return "";
  }
#endif

  // Why the job cannot use a backend; empty if it can.
  inline std::string whyNot(BackendChoice choice) {
    if (choice == BackendChoice::kRocm && !Rocm<Backend>::kKnown)
      return "ONNX Runtime of this release runs on [cpu, cuda] only; set it to one of these or to auto";
    return whyNotDevice(choice);
  }

  // The model of a job, which all streams share on a CPU.
  class Sessions {
  public:
    Sessions(const std::string& path, const std::string& backend)
        : Sessions(path, toRelease(chooseBackend(backend, whyNot))) {}

#ifdef PARTICLEVIT_ONNX_SERVICE
    const cms::Ort::ONNXRuntime& get(edm::StreamID stream) const {
      return sessions_->get(stream);
    }

  private:
    Sessions(const std::string& path, Backend backend)
        : sessions_(std::make_unique<const cms::Ort::SessionCache>(path, backend)) {}

    std::unique_ptr<const cms::Ort::SessionCache> sessions_;
#else
    const cms::Ort::ONNXRuntime& get(edm::StreamID) const {
      return *session_;
    }

  private:
    Sessions(const std::string& path, Backend backend) {
      auto options = cms::Ort::ONNXRuntime::defaultSessionOptions(backend);
      options.SetIntraOpNumThreads(1);
      options.SetInterOpNumThreads(1);
      session_ = std::make_unique<const cms::Ort::ONNXRuntime>(path, &options);
    }

    std::unique_ptr<const cms::Ort::ONNXRuntime> session_;
#endif
  };

}  // namespace particlevit::onnx

#endif
