#ifndef RecoE2E_ParticleViT_test_catch_h
#define RecoE2E_ParticleViT_test_catch_h

#include <string>

// Catch2 v2 (CMSSW up to 15_x) and v3 (from 16_0) name their header differently.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#elif __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch.hpp>
#endif

// What v2 calls Contains is ContainsSubstring in v3.
#if __has_include(<catch2/catch_all.hpp>)
inline auto containsText(const std::string& text) {
  return Catch::Matchers::ContainsSubstring(text);
}
#else
inline auto containsText(const std::string& text) {
  return Catch::Matchers::Contains(text);
}
#endif

#endif
