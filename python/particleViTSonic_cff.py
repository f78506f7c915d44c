"""The scores of the default tasks by a Triton server, where the process has the modifier enableSonicTriton.

    cmsDriver.py ... --procModifiers enableSonicTriton

Load this fragment instead of particleViTElectronPhoton_cff and particleViTJets_cff. The servers' model
repository is the one that `scripts/export.py --run RUN --triton DIR` writes; TritonService needs its
config.pbtxt in the search path: RecoE2E/ParticleViT/data/models/NAME/config.pbtxt.
"""

from Configuration.ProcessModifiers.enableSonicTriton_cff import enableSonicTriton

from RecoE2E.ParticleViT.particleViTElectronPhoton_cff import *  # noqa: F403
from RecoE2E.ParticleViT.particleViTElectronPhoton_cff import (
    particleViTElectronScores,
    particleViTPhotonScores,
)
from RecoE2E.ParticleViT.particleViTJets_cff import *  # noqa: F403
from RecoE2E.ParticleViT.particleViTJets_cff import particleViTAK8JetScores, particleViTJetScores
from RecoE2E.ParticleViT.particleViTTritonProducer_cfi import particleViTTritonProducer


def _served(scores, name):
    """Return the module that has a server compute what `scores` computes here."""
    return particleViTTritonProducer.clone(
        images=scores.images,
        model=scores.model,
        Client={
            "modelName": name,
            "modelConfigPath": "RecoE2E/ParticleViT/data/models/" + name + "/config.pbtxt",
            "timeout": 30,
        },
    )


for _scores, _name in (
    (particleViTPhotonScores, "electron_photon"),
    (particleViTElectronScores, "electron_photon"),
    (particleViTJetScores, "quark_gluon"),
    (particleViTAK8JetScores, "quark_gluon"),
):
    enableSonicTriton.toReplaceWith(_scores, _served(_scores, _name))
