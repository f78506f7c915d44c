import FWCore.ParameterSet.Config as cms

particleViTJetImageProducer = cms.EDProducer('ParticleViTJetImageProducer',
  src = cms.InputTag('ak4PFJetsCHS'),
  tracks = cms.InputTag('generalTracks'),
  ecal_barrel_hits = cms.InputTag('ecalRecHit', 'EcalRecHitsEB'),
  ecal_endcap_hits = cms.InputTag('ecalRecHit', 'EcalRecHitsEE'),
  hcal_hits = cms.InputTag('hbhereco'),
  tier = cms.string('full'),
  allow_other_tier = cms.bool(False),
  min_track_pt = cms.double(0.5),
  track_quality = cms.string('highPurity'),
  ecal_endcap_scale = cms.double(1),
  model = cms.required.FileInPath,
  mightGet = cms.optional.untracked.vstring
)
