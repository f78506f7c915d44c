"""Makes all modules of the default tasks, with their models, for no event: cmsRun tasks_cfg.py."""

import FWCore.ParameterSet.Config as cms

process = cms.Process("TEST")
process.source = cms.Source("EmptySource")
process.maxEvents.input = 0
for fragment, tasks in (
    ("particleViTElectronPhoton_cff", ["particleViTElectronPhotonTask"]),
    ("particleViTJets_cff", ["particleViTJetsTask", "particleViTAK8JetsTask"]),
):
    process.load("RecoE2E.ParticleViT." + fragment)
    for task in tasks:
        # in a path and not in its task: the framework drops modules of tasks that nothing asks for
        modules = [getattr(process, label) for label in sorted(getattr(process, task).moduleNames())]
        setattr(process, task + "Path", cms.Path(sum(modules[1:], modules[0])))
