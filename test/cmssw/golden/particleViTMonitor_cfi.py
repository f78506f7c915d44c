import FWCore.ParameterSet.Config as cms

particleViTMonitor = cms.EDAnalyzer('ParticleViTMonitor',
  images = cms.InputTag('particleViTEcalCropProducer', 'images'),
  candidates = cms.InputTag('particleViTEcalCropProducer', 'candidates'),
  status = cms.InputTag('particleViTEcalCropProducer', 'status'),
  probabilities = cms.InputTag('particleViTONNXProducer'),
  tier = cms.string('reduced'),
  file = cms.untracked.string('particleViTMonitor.root'),
  model = cms.required.FileInPath,
  mightGet = cms.optional.untracked.vstring
)
