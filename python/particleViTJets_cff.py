"""Quark and gluon scores of the default model for the AK4 and AK8 jets of RECO.

particleViTJets:quark and particleViTJets:gluon are ValueMap<float>; ValueMap<int> are, with "WorkingPoint"
after the class, the number of working points passed, from loose to tight, and "status", which says why a jet
has no score. particleViTAK8Jets has the same for AK8 jets; the default model was trained on AK4 jets, so give
it one of your own.

The images need all HCAL hits, which AOD does not have (only those near electrons and photons): these modules
run on RECO, or where HCAL and ECAL are reconstructed from RAW.
"""

import FWCore.ParameterSet.Config as cms

from RecoE2E.ParticleViT.particleViTJetImageProducer_cfi import particleViTJetImageProducer
from RecoE2E.ParticleViT.particleViTONNXProducer_cfi import particleViTONNXProducer
from RecoE2E.ParticleViT.particleViTServices_cff import *  # noqa: F403
from RecoE2E.ParticleViT.particleViTValueMapProducer_cfi import particleViTValueMapProducer

_model = "RecoE2E/ParticleViT/data/models/quark_gluon.onnx"

particleViTJetImages = particleViTJetImageProducer.clone(src="ak4PFJetsCHS", model=_model)
particleViTJetScores = particleViTONNXProducer.clone(
    images="particleViTJetImages:images", model=_model, max_images_per_call=16
)
particleViTJets = particleViTValueMapProducer.clone(
    src=particleViTJetImages.src,
    candidates="particleViTJetImages:candidates",
    status="particleViTJetImages:status",
    probabilities="particleViTJetScores",
    model=_model,
)

particleViTAK8JetImages = particleViTJetImages.clone(src="ak8PFJetsPuppi")
particleViTAK8JetScores = particleViTJetScores.clone(images="particleViTAK8JetImages:images")
particleViTAK8Jets = particleViTJets.clone(
    src=particleViTAK8JetImages.src,
    candidates="particleViTAK8JetImages:candidates",
    status="particleViTAK8JetImages:status",
    probabilities="particleViTAK8JetScores",
)

particleViTJetsTask = cms.Task(particleViTJetImages, particleViTJetScores, particleViTJets)
particleViTAK8JetsTask = cms.Task(particleViTAK8JetImages, particleViTAK8JetScores, particleViTAK8Jets)

# What to write to a file: the value maps; the images are large and can be made again.
particleViTJetsEventContent = cms.PSet(
    outputCommands=cms.untracked.vstring(
        "drop *_particleViT*Images_*_*",
        "drop *_particleViT*Scores_*_*",
        "keep *_particleViTJets_*_*",
        "keep *_particleViTAK8Jets_*_*",
    )
)
