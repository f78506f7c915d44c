"""Electron and photon scores of the default model for the photons and electrons of AOD.

particleViTPhotons:photon and particleViTPhotons:electron, and the same of particleViTElectrons, are
ValueMap<float>.
With "WorkingPoint" after the class they are ValueMap<int>: the number of working points passed.
"""

import FWCore.ParameterSet.Config as cms

from RecoE2E.ParticleViT.ecalCropProducer_cfi import ecalCropProducer
from RecoE2E.ParticleViT.particleViTONNXProducer_cfi import particleViTONNXProducer
from RecoE2E.ParticleViT.particleViTValueMapProducer_cfi import particleViTValueMapProducer

_model = "RecoE2E/ParticleViT/data/models/electron_photon.onnx"

particleViTPhotonImages = ecalCropProducer.clone()
particleViTPhotonScores = particleViTONNXProducer.clone(
    images="particleViTPhotonImages:images",
    model=_model,
    channels=particleViTPhotonImages.channels,
    height=particleViTPhotonImages.height,
    width=particleViTPhotonImages.width,
)
particleViTPhotons = particleViTValueMapProducer.clone(
    src=particleViTPhotonImages.src,
    candidates="particleViTPhotonImages:candidates",
    probabilities="particleViTPhotonScores",
    model=_model,
)

particleViTElectronImages = particleViTPhotonImages.clone(src="gedGsfElectrons")
particleViTElectronScores = particleViTPhotonScores.clone(images="particleViTElectronImages:images")
particleViTElectrons = particleViTPhotons.clone(
    src=particleViTElectronImages.src,
    candidates="particleViTElectronImages:candidates",
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
