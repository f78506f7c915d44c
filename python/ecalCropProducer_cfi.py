import FWCore.ParameterSet.Config as cms

ecalCropProducer = cms.EDProducer(
    "EcalCropProducer",
    src=cms.InputTag("gedPhotons"),
    hits=cms.InputTag("reducedEcalRecHitsEB"),
    channels=cms.vstring("energy", "time"),
    height=cms.uint32(32),
    width=cms.uint32(32),
    min_pt=cms.double(10),
    max_eta=cms.double(1.44),
    mightGet=cms.optional.untracked.vstring,
)
