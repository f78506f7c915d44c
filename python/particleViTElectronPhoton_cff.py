"""Electron and photon scores of the default model for the photons and electrons of AOD.

particleViTPhotons:photon and particleViTPhotons:electron, and the same of particleViTElectrons, are
ValueMap<float>. ValueMap<int> are, with "WorkingPoint" after the class, the number of working points passed,
and "status", which says why a candidate has no score.
"""

import FWCore.ParameterSet.Config as cms

from RecoE2E.ParticleViT.particleViTEcalCropProducer_cfi import particleViTEcalCropProducer
from RecoE2E.ParticleViT.particleViTONNXProducer_cfi import particleViTONNXProducer
from RecoE2E.ParticleViT.particleViTServices_cff import *  # noqa: F403
from RecoE2E.ParticleViT.particleViTValueMapProducer_cfi import particleViTValueMapProducer

_model = "RecoE2E/ParticleViT/data/models/electron_photon.onnx"

particleViTPhotonImages = particleViTEcalCropProducer.clone(src="gedPhotons", model=_model)
particleViTPhotonScores = particleViTONNXProducer.clone(images="particleViTPhotonImages:images", model=_model)
particleViTPhotons = particleViTValueMapProducer.clone(
    src=particleViTPhotonImages.src,
    candidates="particleViTPhotonImages:candidates",
    status="particleViTPhotonImages:status",
    probabilities="particleViTPhotonScores",
    model=_model,
)

particleViTElectronImages = particleViTPhotonImages.clone(src="gedGsfElectrons")
particleViTElectronScores = particleViTPhotonScores.clone(images="particleViTElectronImages:images")
particleViTElectrons = particleViTPhotons.clone(
    src=particleViTElectronImages.src,
    candidates="particleViTElectronImages:candidates",
    status="particleViTElectronImages:status",
    probabilities="particleViTElectronScores",
)

particleViTElectronPhotonTask = cms.Task(
    particleViTPhotonImages,
    particleViTPhotonScores,
    particleViTPhotons,
    particleViTElectronImages,
    particleViTElectronScores,
    particleViTElectrons,
)

# What to write to a file: the value maps; the images are large and can be made again.
particleViTElectronPhotonEventContent = cms.PSet(
    outputCommands=cms.untracked.vstring(
        "drop *_particleViT*Images_*_*",
        "drop *_particleViT*Scores_*_*",
        "keep *_particleViTPhotons_*_*",
        "keep *_particleViTElectrons_*_*",
    )
)
