"""Export a trained run as TorchScript and ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import cli


def export(
    run: Path,
    target: str = "CMSSW_13_1",
    int8: bool = False,
    store: Path | None = None,
    licence: str = "",
    std: bool = False,
    triton: Path | None = None,
    cms_data: Path | None = None,
) -> None:
    """Export a trained run as TorchScript and ONNX, with model.json and MODEL_CARD.md beside them.

    Args:
        run: Run folder with a checkpoint; RUN/export is written.
        target: Oldest CMSSW release that has to load the ONNX file, such as CMSSW_14_0
            or CMSSW_14_0_21; newer ones than the newest known are taken for that one.
        int8: Write model_int8.onnx too, or refuse where it changes the AUC by more than 0.002.
        store: Store whose training split calibrates int8; by default the one of the training.
        licence: Licence of the model, for its card: an SPDX name such as Apache-2.0.
        std: Of an ensemble: give model.onnx a second output, the standard deviation over its members.
        triton: Model repository of a Triton server, where the model is written too, as RUN's name.
        cms_data: Clone of a cms-data repository, where files, checksums and a card are written too.
    """
    from ..deployment.export import export_run, int8_table
    from ..deployment.operators import operator_lines
    from ..evaluation.evaluate import evaluate_run
    from ..files import make_folder
    from ..inference.run import Run
    from .model_card import CARD, model_card, write_card

    for folder in (triton, cms_data):
        if folder is not None:
            make_folder(folder)  # before anything is written elsewhere
    trained = Run(run)
    if not trained.metrics_file.is_file():
        evaluate_run(trained)  # exports carry its working points
    content = export_run(trained, target, int8, store, licence, std)
    write_card(trained)
    onnx, small = content.onnx, content.onnx_int8
    if onnx is not None:
        cli.say(
            f"{run / 'export'}: model.pt, model.onnx (opset {onnx.opset}, IR {onnx.ir_version}, "
            f"{onnx.nodes} nodes, {onnx.bytes / 1e3:.0f} kB; {target} and later), model.json, {CARD}"
        )
        for line in operator_lines(onnx.operators):
            cli.say(line)
    if onnx is not None and small is not None:
        cli.say(int8_table(small, onnx))
    if triton is not None:
        from ..deployment.triton import write_model_repository

        cli.say(f"{write_model_repository(trained, triton)}: config.pbtxt, 1/model.onnx for tritonserver")
    if cms_data is not None:
        from ..deployment.cms_data import write_cms_data

        written = write_cms_data(trained, cms_data, str(model_card(trained, trained.name)))
        cli.say(f"{cms_data}: {', '.join(str(path.relative_to(cms_data)) for path in written)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(export, arguments=arguments)
