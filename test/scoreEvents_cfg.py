"""Makes and scores images of events: cmsRun scoreEvents_cfg.py -- --events X.txt --crops M --jets M.

The events are a text file, as data/programs/events.h describes; every candidate is taken as a photon
(--crops) and as a jet (--jets). The models are searched for in CMSSW_SEARCH_PATH, with their descriptions
beside them. For each of the two, NAME_table.npy gets one row per candidate (event, candidate,
probabilities, working points, status), and NAME_images.npy the images.
"""

import argparse
import json
import os
import sys

import FWCore.ParameterSet.Config as cms

parser = argparse.ArgumentParser(prog="cmsRun scoreEvents_cfg.py", description=__doc__.splitlines()[0])
parser.add_argument("--events", required=True, help="hits and candidates (.txt)")
parser.add_argument("--crops", help="model of ECAL crops (.onnx, .pt), in CMSSW_SEARCH_PATH")
parser.add_argument("--jets", help="model of jet images (.onnx, .pt), in CMSSW_SEARCH_PATH")
parser.add_argument("--tier", default="reduced", help="tier of the hits")
parser.add_argument("--allow-other-tier", action="store_true", help="accept models of another tier")
parser.add_argument("--output", help="folder for the .npy files; none are written without it")
parser.add_argument("--monitor", help="folder for the histograms of ParticleViTMonitor; none without it")
parser.add_argument("--threads", type=int, default=1, help="threads and streams")
parser.add_argument("--repetitions", type=int, default=1, help="how often the events are read")
parser.add_argument("--drop-clusters", action="store_true", help="let superclusters be absent")
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


process = cms.Process("SCORE")
process.source = cms.Source(
    "ParticleViTEventSource",
    file=cms.untracked.string(args.events),
    repetitions=cms.untracked.uint32(args.repetitions),
    drop_clusters=cms.untracked.bool(args.drop_clusters),
)
process.ParticleViTEndcapGeometry = cms.ESSource(
    "ParticleViTEndcapGeometry", file=cms.untracked.string(args.events)
)
process.options.numberOfThreads = args.threads
process.options.numberOfStreams = args.threads
process.load("FWCore.MessageService.MessageLogger_cfi")
process.load("RecoE2E.ParticleViT.particleViTServices_cff")
process.MessageLogger.cerr.FwkReport.reportEvery = 100000
process.path = cms.Path()


def letters(name):
    return "".join(letter for letter in name if letter.isalnum())


def add_chain(name, model, images, src):
    """Append image maker, scoring and value maps of one model to the path, and a writer if asked for."""
    description = read_description(model)
    images.src = src
    images.model = cms.FileInPath(model)
    images.tier = cms.string(args.tier)
    images.allow_other_tier = cms.bool(args.allow_other_tier)
    scorer = "ParticleViTTorchProducer" if model.endswith(".pt") else "ParticleViTONNXProducer"
    scores = cms.EDProducer(
        scorer, images=cms.InputTag(name + "Images", "images"), model=cms.FileInPath(model)
    )
    maps = cms.EDProducer(
        "ParticleViTValueMapProducer",
        src=src,
        candidates=cms.InputTag(name + "Images", "candidates"),
        status=cms.InputTag(name + "Images", "status"),
        probabilities=cms.InputTag(name + "Scores"),
        model=cms.FileInPath(model),
    )
    modules = {name + "Images": images, name + "Scores": scores, name + "Maps": maps}
    if args.output:
        modules[name + "Writer"] = make_writer(name, description, src)
    if args.monitor:
        modules[name + "Monitor"] = make_monitor(name, model)
    for label, module in modules.items():
        setattr(process, label, module)
        process.path += module


def make_monitor(name, model):
    """Return the module that writes the histograms of one model."""
    return cms.EDAnalyzer(
        "ParticleViTMonitor",
        images=cms.InputTag(name + "Images", "images"),
        candidates=cms.InputTag(name + "Images", "candidates"),
        status=cms.InputTag(name + "Images", "status"),
        probabilities=cms.InputTag(name + "Scores"),
        model=cms.FileInPath(model),
        tier=cms.string(args.tier),
        file=cms.untracked.string(os.path.join(args.monitor, name + "_monitor.root")),
    )


def make_writer(name, description, src):
    """Return the module that writes the table and the images of one model."""
    image, maps = description["image"], name + "Maps"
    classes = [letters(one) for one in description["classes"]]
    points = [letters(one) + "WorkingPoint" for one in description.get("working_points", {})]
    return cms.EDAnalyzer(
        "ParticleViTEventWriter",
        src=cms.untracked.InputTag(src.getModuleLabel(), src.getProductInstanceLabel()),
        images=cms.untracked.InputTag(name + "Images", "images"),
        scores=cms.untracked.VInputTag(*[cms.InputTag(maps, one) for one in classes]),
        numbers=cms.untracked.VInputTag(*[cms.InputTag(maps, one) for one in [*points, "status"]]),
        shape=cms.untracked.vuint32(len(image["channels"]), image["height"], image["width"]),
        table_file=cms.untracked.string(os.path.join(args.output, name + "_table.npy")),
        images_file=cms.untracked.string(os.path.join(args.output, name + "_images.npy")),
    )


if args.crops:
    crops = cms.EDProducer("ParticleViTEcalCropProducer", hits=cms.InputTag("source", "barrel"))
    add_chain("crops", args.crops, crops, cms.InputTag("source", "candidates"))
if args.jets:
    jets = cms.EDProducer(
        "ParticleViTJetImageProducer",
        tracks=cms.InputTag("source", "tracks"),
        ecal_barrel_hits=cms.InputTag("source", "barrel"),
        ecal_endcap_hits=cms.InputTag("source", "endcap"),
        hcal_hits=cms.InputTag("source", "towers"),
    )
    add_chain("jets", args.jets, jets, cms.InputTag("source", "jets"))

if args.timing:
    process.Timing = cms.Service("Timing")
