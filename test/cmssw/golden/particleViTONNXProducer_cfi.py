import FWCore.ParameterSet.Config as cms

particleViTONNXProducer = cms.EDProducer('ParticleViTONNXProducer',
  images = cms.InputTag('particleViTEcalCropProducer', 'images'),
  model = cms.required.FileInPath,
  max_images_per_call = cms.uint32(64),
  backend = cms.string('cpu'),
  mightGet = cms.optional.untracked.vstring
)
