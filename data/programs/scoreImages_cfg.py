"""Scores raw images from a .npy file: cmsRun scoreImages_cfg.py -- --images X.npy --model MODEL.

The model is searched for in CMSSW_SEARCH_PATH; its description (the same name with .json) must lie beside it
and says what the images are. --images has shape (N, C, H, W), float32, in GeV and ns.
"""

import argparse
import json
import os
import sys

import FWCore.ParameterSet.Config as cms

parser = argparse.ArgumentParser(prog="cmsRun scoreImages_cfg.py", description=__doc__.splitlines()[0])
parser.add_argument("--images", required=True, help="raw images (.npy)")
parser.add_argument("--model", required=True, help="exported model (.onnx, .pt), in CMSSW_SEARCH_PATH")
parser.add_argument("--scores", default="scores.npy", help="where the probabilities go (.npy)")
parser.add_argument("--threads", type=int, default=1, help="threads and streams")
parser.add_argument("--images-per-event", type=int, default=1, help="candidates of an event")
parser.add_argument("--max-images-per-call", type=int, default=64, help="images per call of the model")
parser.add_argument("--max-events", type=int, default=-1, help="-1: all")
parser.add_argument("--timing", action="store_true", help="print the time of each module and event")
# sys.argv holds the name of this file and, in some releases, cmsRun before it and "--" after it
start = next((i + 1 for i, word in enumerate(sys.argv) if word.endswith("_cfg.py")), 1)
args = parser.parse_args([word for word in sys.argv[start:] if word != "--"])


def read_description(model):
    """Return the model's description, found as the framework will find the model."""
    name = os.path.splitext(model)[0] + ".json"
    folders = os.environ.get("CMSSW_SEARCH_PATH", "").split(":")
    for folder in folders:
        if os.path.isfile(os.path.join(folder, name)):
            with open(os.path.join(folder, name)) as file:
                return json.load(file)
    raise SystemExit("error: {} is in none of CMSSW_SEARCH_PATH={}".format(name, ":".join(folders)))


description = read_description(args.model)

process = cms.Process("SCORE")
process.source = cms.Source(
    "ParticleViTImageSource",
    file=cms.untracked.string(args.images),
    images_per_event=cms.untracked.uint32(args.images_per_event),
)
process.maxEvents.input = args.max_events
process.options.numberOfThreads = args.threads
process.options.numberOfStreams = args.threads
process.load("FWCore.MessageService.MessageLogger_cfi")
process.load("RecoE2E.ParticleViT.particleViTServices_cff")
process.MessageLogger.cerr.FwkReport.reportEvery = 100000

producer = "ParticleViTTorchProducer" if args.model.endswith(".pt") else "ParticleViTONNXProducer"
process.scores = cms.EDProducer(
    producer,
    images=cms.InputTag("source"),
    model=cms.FileInPath(args.model),
    max_images_per_call=cms.uint32(args.max_images_per_call),
)
process.writer = cms.EDAnalyzer(
    "ParticleViTScoreWriter",
    probabilities=cms.untracked.InputTag("scores"),
    file=cms.untracked.string(args.scores),
    classes=cms.untracked.uint32(len(description["classes"])),
    images_per_event=cms.untracked.uint32(args.images_per_event),
)
process.path = cms.Path(process.scores + process.writer)

if args.timing:
    process.Timing = cms.Service("Timing")
