import FWCore.ParameterSet.Config as cms

particleViTTritonProducer = cms.EDProducer('ParticleViTTritonProducer',
  Client = cms.PSet(
    mode = cms.string('Async'),
    allowedTries = cms.untracked.uint32(0),
    modelName = cms.required.string,
    modelVersion = cms.string(''),
    modelConfigPath = cms.required.FileInPath,
    preferredServer = cms.untracked.string(''),
    timeout = cms.required.untracked.uint32,
    timeoutUnit = cms.untracked.string('seconds'),
    useSharedMemory = cms.untracked.bool(True),
    compression = cms.untracked.string(''),
    outputs = cms.untracked.vstring()
  ),
  images = cms.InputTag('particleViTEcalCropProducer', 'images'),
  model = cms.required.FileInPath,
  max_images_per_call = cms.uint32(64),
  mightGet = cms.optional.untracked.vstring
)
