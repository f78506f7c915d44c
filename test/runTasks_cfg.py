"""Runs the tasks of this package over a file of events: cmsRun runTasks_cfg.py -- --events X.txt.

The events are a text file, as data/programs/events.h describes; every candidate is taken as a photon, as an
electron and as a jet. At its end the job says how many of each have a score.
"""

import argparse
import sys

import FWCore.ParameterSet.Config as cms

parser = argparse.ArgumentParser(prog="cmsRun runTasks_cfg.py", description=__doc__.splitlines()[0])
parser.add_argument("--events", required=True, help="hits and candidates (.txt)")
parser.add_argument("--monitor", action="store_true", help="write histograms to *Monitor.root, here")
parser.add_argument("--threads", type=int, default=1, help="threads and streams")
# sys.argv holds the name of this file and, in some releases, cmsRun before it and "--" after it
start = next((i + 1 for i, word in enumerate(sys.argv) if word.endswith("_cfg.py")), 1)
args = parser.parse_args([word for word in sys.argv[start:] if word != "--"])

process = cms.Process("TASKS")
process.source = cms.Source("ParticleViTEventSource", file=cms.untracked.string(args.events))
process.ParticleViTEndcapGeometry = cms.ESSource(
    "ParticleViTEndcapGeometry", file=cms.untracked.string(args.events)
)
process.options.numberOfThreads = args.threads
process.options.numberOfStreams = args.threads
process.load("FWCore.MessageService.MessageLogger_cfi")
process.MessageLogger.cerr.FwkReport.reportEvery = 100000

process.load("RecoE2E.ParticleViT.particleViTElectronPhoton_cff")
process.load("RecoE2E.ParticleViT.particleViTJets_cff")
for images, maps in (
    (process.particleViTPhotonImages, process.particleViTPhotons),
    (process.particleViTElectronImages, process.particleViTElectrons),
):
    images.src = maps.src = "source:candidates"
    images.hits = "source:barrel"
process.particleViTJetImages.src = process.particleViTJets.src = "source:jets"
process.particleViTJetImages.tracks = "source:tracks"
process.particleViTJetImages.ecal_barrel_hits = "source:barrel"
process.particleViTJetImages.ecal_endcap_hits = "source:endcap"
process.particleViTJetImages.hcal_hits = "source:towers"

process.consumer = cms.EDAnalyzer(
    "GenericConsumer",
    eventProducts=cms.untracked.vstring("particleViTPhotons", "particleViTElectrons", "particleViTJets"),
)
process.path = cms.Path(process.consumer, process.particleViTElectronPhotonTask, process.particleViTJetsTask)
if args.monitor:
    process.load("RecoE2E.ParticleViT.particleViTMonitor_cff")
    process.path += process.particleViTElectronPhotonMonitorSequence + process.particleViTJetMonitorSequence
