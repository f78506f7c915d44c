"""Quark and gluon scores of the default model for the jets of AOD.

particleViTJets:quark and particleViTJets:gluon are ValueMap<float>; with "WorkingPoint" after the class,
ValueMap<int>: the number of working points passed, from loose to tight.
"""

import FWCore.ParameterSet.Config as cms

from RecoE2E.ParticleViT.jetImageProducer_cfi import jetImageProducer
from RecoE2E.ParticleViT.particleViTONNXProducer_cfi import particleViTONNXProducer
from RecoE2E.ParticleViT.particleViTValueMapProducer_cfi import particleViTValueMapProducer

_model = "RecoE2E/ParticleViT/data/models/quark_gluon.onnx"

particleViTJetImages = jetImageProducer.clone()
particleViTJetScores = particleViTONNXProducer.clone(
    images="particleViTJetImages:images",
    model=_model,
    channels=particleViTJetImages.channels,
    units=["GeV", "GeV", "GeV"],
    height=particleViTJetImages.height,
    width=particleViTJetImages.width,
    classes=["gluon", "quark"],
    max_images_per_call=16,
)
particleViTJets = particleViTValueMapProducer.clone(
    src=particleViTJetImages.src,
    candidates="particleViTJetImages:candidates",
    probabilities="particleViTJetScores",
    model=_model,
)

particleViTJetsTask = cms.Task(particleViTJetImages, particleViTJetScores, particleViTJets)
