import FWCore.ParameterSet.Config as cms

particleViTScoreWriter = cms.EDAnalyzer('ParticleViTScoreWriter',
  probabilities = cms.untracked.InputTag('particleViTONNXProducer'),
  file = cms.required.untracked.string,
  classes = cms.untracked.uint32(2),
  images_per_event = cms.untracked.uint32(1),
  mightGet = cms.optional.untracked.vstring
)
