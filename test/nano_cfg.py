"""Adds the scores to NanoAOD as the release makes it, and prints the new columns.

    python3 nano_cfg.py --eras Run3

The release's own NanoAOD sequence, so only where PhysicsTools/NanoAOD is.
"""

import argparse
import importlib

import FWCore.ParameterSet.Config as cms

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--eras", default="Run3", help="eras and modifiers, with commas between")
args = parser.parse_args()


def find_era(name):
    """Return an era or a modifier of the release."""
    try:
        module = importlib.import_module("Configuration.Eras.Era_{}_cff".format(name))
    except ImportError:
        module = importlib.import_module("Configuration.Eras.Modifier_{}_cff".format(name))
    return getattr(module, name)


process = cms.Process("NANO", *[find_era(name) for name in args.eras.split(",")])
process.load("PhysicsTools.NanoAOD.nano_cff")
process.nanoPath = cms.Path(process.nanoSequenceMC)

from RecoE2E.ParticleViT.particleViTNano_cff import addElectronPhotonScores, addJetScores  # noqa: E402

before = set(process.producers_())
process = addJetScores(addElectronPhotonScores(process))
process.dumpPython()

for name in sorted(process.producers_()):
    variables = getattr(getattr(process, name), "externalVariables", None)
    columns = variables.parameterNames_() if variables is not None else []
    found = [column for column in columns if column.startswith("particleViT_")]
    if found:
        print("{}: {}".format(name, ", ".join(sorted(found))))
print("modules: " + ", ".join(sorted(set(process.producers_()) - before)))
