"""Scores and working points in the photon, electron and jet tables of NanoAOD.

    cmsDriver.py ... --customise RecoE2E/ParticleViT/particleViTNano_cff.addElectronPhotonScores
    cmsDriver.py ... --customise RecoE2E/ParticleViT/particleViTNano_cff.addJetScores

MiniAOD has the ECAL rechits around photons and electrons, so addElectronPhotonScores needs nothing else. The
tracks and the HCAL rechits of jets are in AOD only: addJetScores needs the parent AOD files as well.
"""

import FWCore.ParameterSet.Config as cms

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

_barrelHits = "reducedEgamma:reducedEBRecHits"


def _variable(tag, valueType, doc, precision=-1):
    """Return the parameters of a table's variable that is read from a ValueMap."""
    return cms.PSet(
        type=cms.string(valueType),
        doc=cms.string(doc),
        src=cms.InputTag(tag),
        precision=cms.int32(precision),
    )


def _extend(process, table, maps, classes):
    """Add a score and the number of working points passed for each class to a table."""
    variables = {}
    for name in classes:
        column = "particleViT_" + name
        variables[column] = _variable(
            maps + ":" + name, "float", name + " score of ParticleViT, -1: none", 10
        )
    signal = classes[-1]
    variables["particleViT_" + signal + "WP"] = _variable(
        maps + ":" + signal + "WorkingPoint",
        "int",
        "ParticleViT working points of " + signal + " passed, 0: none, then from loose to tight",
    )
    table = getattr(process, table)
    if not hasattr(table, "externalVariables"):
        table.externalVariables = cms.PSet()
    for column, variable in variables.items():
        setattr(table.externalVariables, column, variable)


def _schedule(process, name, modules):
    """Give the process the modules, in a task that all its paths may call on."""
    for label, module in modules.items():
        setattr(process, label, module)
    task = cms.Task(*(getattr(process, label) for label in modules))
    setattr(process, name, task)
    for path in list(process.paths_().values()) + list(process.endpaths_().values()):
        path.associate(task)


def addElectronPhotonScores(process):
    """Add the electron and photon scores to the tables Photon and Electron."""
    photons = particleViTPhotonImages.clone(src=process.photonTable.src, hits=_barrelHits)
    electrons = particleViTElectronImages.clone(src=process.electronTable.src, hits=_barrelHits)
    modules = {
        "particleViTPhotonImages": photons,
        "particleViTPhotonScores": particleViTPhotonScores.clone(),
        "particleViTPhotons": particleViTPhotons.clone(src=photons.src),
        "particleViTElectronImages": electrons,
        "particleViTElectronScores": particleViTElectronScores.clone(),
        "particleViTElectrons": particleViTElectrons.clone(src=electrons.src),
    }
    _schedule(process, "particleViTElectronPhotonTask", modules)
    for table, maps in (("photonTable", "particleViTPhotons"), ("electronTable", "particleViTElectrons")):
        _extend(process, table, maps, list(particleViTPhotonScores.classes))
    return process


def addJetScores(process):
    """Add the quark and gluon scores to the table Jet; reads tracks and rechits from the parent AOD."""
    images = particleViTJetImages.clone(src=process.jetTable.src)
    modules = {
        "particleViTJetImages": images,
        "particleViTJetScores": particleViTJetScores.clone(),
        "particleViTJets": particleViTJets.clone(src=images.src),
    }
    _schedule(process, "particleViTJetsTask", modules)
    _extend(process, "jetTable", "particleViTJets", list(particleViTJetScores.classes))
    return process
