import FWCore.ParameterSet.Config as cms

particleViTEcalCropProducer = cms.EDProducer('ParticleViTEcalCropProducer',
  src = cms.InputTag('gedPhotons'),
  hits = cms.InputTag('reducedEcalRecHitsEB'),
  tier = cms.string('reduced'),
  allow_other_tier = cms.bool(False),
  model = cms.required.FileInPath,
  mightGet = cms.optional.untracked.vstring
)
