import FWCore.ParameterSet.Config as cms

particleViTTorchProducer = cms.EDProducer(
    "ParticleViTTorchProducer",
    images=cms.InputTag("ecalCropProducer", "images"),
    model=cms.required.FileInPath,
    channels=cms.vstring("energy", "time"),
    height=cms.uint32(32),
    width=cms.uint32(32),
    units=cms.vstring("GeV", "ns"),
    classes=cms.vstring("photon", "electron"),
    max_images_per_call=cms.uint32(64),
    mightGet=cms.optional.untracked.vstring,
)
