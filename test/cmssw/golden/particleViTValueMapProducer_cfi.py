import FWCore.ParameterSet.Config as cms

particleViTValueMapProducer = cms.EDProducer('ParticleViTValueMapProducer',
  src = cms.InputTag('gedPhotons'),
  candidates = cms.InputTag('particleViTEcalCropProducer', 'candidates'),
  status = cms.InputTag('particleViTEcalCropProducer', 'status'),
  probabilities = cms.InputTag('particleViTONNXProducer'),
  model = cms.required.FileInPath,
  mightGet = cms.optional.untracked.vstring
)
