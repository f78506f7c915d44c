"""Scores, working points and status in the photon, electron and jet tables of NanoAOD.

    cmsDriver.py ... --customise RecoE2E/ParticleViT/particleViTNano_cff.addElectronPhotonScores
    cmsDriver.py ... --customise RecoE2E/ParticleViT/particleViTNano_cff.addJetScores

MiniAOD has the ECAL rechits of clusters only, on which electron_photon_mini was trained, so
addElectronPhotonScores needs nothing else. Jets need the tracks and all ECAL and HCAL rechits: addJetScores
needs the parent RECO files as well.
"""

import json
import os
from pathlib import Path

import FWCore.ParameterSet.Config as cms
from PhysicsTools.NanoAOD.nano_eras_cff import run2_nanoAOD_ANY

from RecoE2E.ParticleViT.particleViTElectronPhoton_cff import (
    particleViTElectronImages,
    particleViTElectrons,
    particleViTElectronScores,
    particleViTPhotonImages,
    particleViTPhotons,
    particleViTPhotonScores,
)
from RecoE2E.ParticleViT.particleViTJets_cff import (
    particleViTJetImages,
    particleViTJets,
    particleViTJetScores,
)

_miniModel = "RecoE2E/ParticleViT/data/models/electron_photon_mini.onnx"
# Run 3 writes PUPPI jets, Run 2 CHS jets; where a process runs both tables, those of its era get the scores.
_jetTables = cms.PSet(names=cms.vstring("jetPuppiTable", "jetTable"))
run2_nanoAOD_ANY.toModify(_jetTables, names=["jetTable", "jetPuppiTable"])
_miniHits = {"hits": "reducedEgamma:reducedEBRecHits", "tier": "mini", "model": _miniModel}


def _description(model):
    """Return the description (.json) of a model, found as the framework finds the model."""
    name = Path(model).with_suffix(".json")
    folders = [folder for folder in os.environ.get("CMSSW_SEARCH_PATH", "").split(":") if folder]
    for folder in folders:
        path = Path(folder) / name
        if path.is_file():
            return json.loads(path.read_text())
    raise RuntimeError("{} is in none of CMSSW_SEARCH_PATH={}".format(name, ":".join(folders)))


def _scheduledTable(process, names):
    """Return the first of these tables that a path of the process runs."""
    paths = process.schedule_() or list(process.paths_().values()) + list(process.endpaths_().values())
    scheduled = set()
    for path in paths:
        scheduled |= path.moduleNames()
    for name in names:
        if name in scheduled:
            if not hasattr(getattr(process, name), "src"):
                raise RuntimeError("{} has no src, so that ParticleViT cannot score its objects".format(name))
            return getattr(process, name)
    raise RuntimeError("no path runs {}, which ParticleViT would add scores to".format(" or ".join(names)))


def _variable(tag, valueType, doc, precision=-1):
    """Return the parameters of a table's variable that is read from a ValueMap."""
    return cms.PSet(
        type=cms.string(valueType),
        doc=cms.string(doc),
        src=cms.InputTag(tag),
        precision=cms.int32(precision),
    )


def _extend(table, maps, model):
    """Add a score for each class, the working points of the signal passed, and the status to a table."""
    description = _description(model)
    signal = description["classes"][-1]
    variables = {
        "particleViT_" + name: _variable(
            maps + ":" + name, "float", name + " score of ParticleViT, -1: none", 10
        )
        for name in description["classes"]
    }
    if signal in description.get("working_points", {}):
        variables["particleViT_" + signal + "WP"] = _variable(
            maps + ":" + signal + "WorkingPoint",
            "int",
            "ParticleViT working points of " + signal + " passed, 0: none, then from loose to tight",
        )
    variables["particleViT_status"] = _variable(
        maps + ":status",
        "int",
        "ParticleViT: 0 scored; no score because 1 pt or 2 eta outside of training, 3 no seed, 4 seed "
        "outside of training, 5 window leaves the detector, 6 values not finite",
    )
    if not hasattr(table, "externalVariables"):
        table.externalVariables = cms.PSet()
    for column, variable in variables.items():
        setattr(table.externalVariables, column, variable)


def _schedule(process, name, modules):
    """Give the process the modules, in a task that all its paths may call on, and their services."""
    process.load("RecoE2E.ParticleViT.particleViTServices_cff")
    for label, module in modules.items():
        setattr(process, label, module)
    task = cms.Task(*(getattr(process, label) for label in modules))
    setattr(process, name, task)
    for path in list(process.paths_().values()) + list(process.endpaths_().values()):
        path.associate(task)


def addElectronPhotonScores(process):
    """Add the electron and photon scores to the tables Photon and Electron."""
    photonTable = _scheduledTable(process, ["photonTable"])
    electronTable = _scheduledTable(process, ["electronTable"])
    photons = particleViTPhotonImages.clone(src=photonTable.src, **_miniHits)
    electrons = particleViTElectronImages.clone(src=electronTable.src, **_miniHits)
    modules = {
        "particleViTPhotonImages": photons,
        "particleViTPhotonScores": particleViTPhotonScores.clone(model=_miniModel),
        "particleViTPhotons": particleViTPhotons.clone(src=photons.src, model=_miniModel),
        "particleViTElectronImages": electrons,
        "particleViTElectronScores": particleViTElectronScores.clone(model=_miniModel),
        "particleViTElectrons": particleViTElectrons.clone(src=electrons.src, model=_miniModel),
    }
    _schedule(process, "particleViTElectronPhotonTask", modules)
    _extend(photonTable, "particleViTPhotons", _miniModel)
    _extend(electronTable, "particleViTElectrons", _miniModel)
    return process


def addJetScores(process):
    """Add the quark and gluon scores to the table Jet; reads tracks and rechits of the parent RECO files."""
    table = _scheduledTable(process, list(_jetTables.names))
    images = particleViTJetImages.clone(src=table.src)
    modules = {
        "particleViTJetImages": images,
        "particleViTJetScores": particleViTJetScores.clone(),
        "particleViTJets": particleViTJets.clone(src=images.src),
    }
    _schedule(process, "particleViTJetsTask", modules)
    _extend(table, "particleViTJets", images.model.value())
    return process
