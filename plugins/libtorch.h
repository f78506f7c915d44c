#ifndef RecoE2E_ParticleViT_plugins_libtorch_h
#define RecoE2E_ParticleViT_plugins_libtorch_h

// libtorch, as CMSSW ships it. ROOT and libtorch both have a ClassDef. cms::torch is there from 16_0 on, and
// plugins/BuildFile.xml defines PARTICLEVIT_CMS_TORCH; libtorch itself is there from 14_0 on.
#pragma push_macro("ClassDef")
#undef ClassDef
#ifdef PARTICLEVIT_CMS_TORCH
#include "PhysicsTools/PyTorch/interface/Model.h"
#else
#include <torch/script.h>
#endif
#include <ATen/Parallel.h>
#pragma pop_macro("ClassDef")

#endif
