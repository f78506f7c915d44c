import FWCore.ParameterSet.Config as cms

jetImageProducer = cms.EDProducer(
    "JetImageProducer",
    src=cms.InputTag("ak4PFJetsCHS"),
    tracks=cms.InputTag("generalTracks"),
    ecal_barrel_hits=cms.InputTag("reducedEcalRecHitsEB"),
    ecal_endcap_hits=cms.InputTag("reducedEcalRecHitsEE"),
    hcal_hits=cms.InputTag("reducedHcalRecHits", "hbhereco"),
    channels=cms.vstring("tracks", "ecal", "hcal"),
    height=cms.uint32(125),
    width=cms.uint32(125),
    min_pt=cms.double(20),
    min_track_pt=cms.double(0.5),
    track_quality=cms.string("highPurity"),
    mightGet=cms.optional.untracked.vstring,
)
