"""Histograms of the default tasks' images and scores, for scripts/explore.py to compare with training's.

Load it with particleViTElectronPhoton_cff and particleViTJets_cff, and put the sequence of what the process
scores, particleViTElectronPhotonMonitorSequence or particleViTJetMonitorSequence, into a path.
"""

import FWCore.ParameterSet.Config as cms

from RecoE2E.ParticleViT.particleViTElectronPhoton_cff import (
    particleViTElectronImages,
    particleViTElectronPhotonTask,
    particleViTPhotonImages,
)
from RecoE2E.ParticleViT.particleViTJets_cff import particleViTJetImages, particleViTJetsTask
from RecoE2E.ParticleViT.particleViTMonitor_cfi import particleViTMonitor


def _monitor(name, images):
    """Return the module for the images and scores of this name."""
    return particleViTMonitor.clone(
        images=name + "Images:images",
        candidates=name + "Images:candidates",
        status=name + "Images:status",
        probabilities=name + "Scores",
        model=images.model,
        tier=images.tier,
        file=name + "Monitor.root",
    )


particleViTPhotonMonitor = _monitor("particleViTPhoton", particleViTPhotonImages)
particleViTElectronMonitor = _monitor("particleViTElectron", particleViTElectronImages)
particleViTJetMonitor = _monitor("particleViTJet", particleViTJetImages)

particleViTElectronPhotonMonitorSequence = cms.Sequence(
    particleViTPhotonMonitor + particleViTElectronMonitor, particleViTElectronPhotonTask
)
particleViTJetMonitorSequence = cms.Sequence(particleViTJetMonitor, particleViTJetsTask)
