#!/usr/bin/env python3
"""Export a trained run as TorchScript and ONNX."""

from __future__ import annotations

from pathlib import Path

from RecoE2E.ParticleViT import cli


def export(run: Path, target: str = "CMSSW_13_3") -> None:
    """Export a trained run as TorchScript and ONNX, with model.json beside them.

    Args:
        run: Run folder with a checkpoint; RUN/export is written.
        target: Oldest CMSSW release that has to load the ONNX file, such as CMSSW_14_0.
    """
    from RecoE2E.ParticleViT.deployment.export import export_run

    content = export_run(run, target)
    onnx = content["onnx"]
    cli.say(
        f"{run / 'export'}: model.pt, model.onnx (opset {onnx['opset']}, IR {onnx['ir_version']}, "
        f"{onnx['nodes']} nodes, {onnx['bytes'] / 1e3:.0f} kB; {target} and later), model.json"
    )


if __name__ == "__main__":
    cli.run(export)
