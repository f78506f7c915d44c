#ifndef RecoE2E_ParticleViT_plugins_libtorch_h
#define RecoE2E_ParticleViT_plugins_libtorch_h

// libtorch, as CMSSW ships it. ROOT and libtorch both have a ClassDef; cms::torch, which hides that, exists from
// 16_0 on only, while libtorch itself is there from 14_0 on.
#pragma push_macro("ClassDef")
#undef ClassDef
#include <ATen/Parallel.h>
#include <torch/script.h>
#pragma pop_macro("ClassDef")

#endif
