#include "catch.h"

#include "RecoE2E/ParticleViT/interface/BackendChoice.h"

using namespace particlevit;

namespace {
  std::string onlyCpu(BackendChoice choice) {
    return choice == BackendChoice::kCpu ? "" : "there is no GPU";
  }

  std::string everything(BackendChoice) {
    return "";
  }
}  // namespace

TEST_CASE("What is asked for is taken where the job has it", "[BackendChoice]") {
  CHECK(chooseBackend("cpu", onlyCpu) == BackendChoice::kCpu);
  CHECK(chooseBackend("cuda", everything) == BackendChoice::kCuda);
  CHECK(chooseBackend("rocm", everything) == BackendChoice::kRocm);
}

TEST_CASE("auto takes cuda where the job has it, else cpu", "[BackendChoice]") {
  CHECK(chooseBackend("auto", everything) == BackendChoice::kCuda);
  CHECK(chooseBackend("auto", onlyCpu) == BackendChoice::kCpu);
}

TEST_CASE("Absent and unknown backends are refused with the name that was given", "[BackendChoice]") {
  CHECK_THROWS_WITH(chooseBackend("cuda", onlyCpu), "backend is 'cuda', but there is no GPU");
  CHECK_THROWS_WITH(chooseBackend("tpu", everything), "backend is 'tpu', expected one of [auto, cpu, cuda, rocm]");
  CHECK_THROWS_WITH(chooseBackend("auto", [](BackendChoice) { return std::string("there is nothing"); }),
                    "backend is 'auto', but there is nothing");
}
