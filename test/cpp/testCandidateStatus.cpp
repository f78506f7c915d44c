#include "catch.h"

#include "RecoE2E/ParticleViT/interface/CandidateStatus.h"
#include "description.h"

using namespace particlevit;

TEST_CASE("The values of the status are those that are documented", "[CandidateStatus]") {
  const Status all[] = {Status::kScored,
                        Status::kPt,
                        Status::kEta,
                        Status::kNoSeed,
                        Status::kSeedRow,
                        Status::kWindow,
                        Status::kNotFinite};
  for (int value = 0; value < 7; ++value)
    CHECK(static_cast<int>(all[value]) == value);
}

TEST_CASE("The report names each cause that occurred, with its count", "[CandidateStatus]") {
  StatusCounter counter;
  CHECK(counter.report() == "0 candidates scored");
  for (const Status status : {Status::kScored, Status::kNotFinite, Status::kNoSeed, Status::kNotFinite})
    counter.count(status);
  CHECK(counter.report() == "1 candidates scored; not scored: 1 no seed, 2 values not finite");
}

TEST_CASE("Any limit may be open", "[CandidateStatus]") {
  Domain domain;
  CHECK(selection(domain, {0., 9., 0., {}}) == Status::kScored);
  domain.pt.low = 5.;
  CHECK(selection(domain, {4.9, 9., 0., {}}) == Status::kPt);
  CHECK(selection(domain, {1e9, 9., 0., {}}) == Status::kScored);
  domain.absEta.high = 1.;
  CHECK(selection(domain, {5., -1., 0., {}}) == Status::kScored);
  CHECK(selection(domain, {5., -1.1, 0., {}}) == Status::kEta);
}

TEST_CASE("Two descriptions are the same line only if their images are", "[ImageDescription]") {
  const auto image = test::cropDescription();
  CHECK(describe(image) ==
        "channels [energy (energy, GeV), time (time, ns)], 32 x 32 with the seed at [16, 16], grid crystals, tier "
        "reduced, track position none, jet seed none");
  auto other = image;
  other.window.seed.column = 15;
  CHECK(describe(other) != describe(image));
  other = image;
  other.grid = Grid::kEtaPhi;
  other.etaHalfWidth = 0.8;
  CHECK(describe(other).find("half widths 0.8 x 0") != std::string::npos);
}

TEST_CASE("Another tier is refused with both sides, unless it is allowed", "[ImageDescription]") {
  const auto image = test::cropDescription();
  CHECK_NOTHROW(requireTier(image, Tier::kReduced, false));
  CHECK_THROWS_WITH(requireTier(image, Tier::kMini, false),
                    containsText("tier 'reduced'") && containsText("tier 'mini'") && containsText("allow_other_tier"));
  CHECK_NOTHROW(requireTier(image, Tier::kMini, true));
  auto mini = image;
  mini.tier = Tier::kMini;
  CHECK_NOTHROW(requireTier(mini, Tier::kReduced, false));
  CHECK_NOTHROW(requireTier(mini, Tier::kFull, false));
  CHECK_THROWS(requireTier(mini, Tier::kParticles, false));
  CHECK(valueOf<Tier>("full", "tier") == Tier::kFull);
  CHECK_THROWS_WITH(valueOf<Tier>("AOD", "tier"), "tier is 'AOD', expected one of [full, reduced, mini, particles]");
}
