"""A model repository for the Triton inference server: NAME/config.pbtxt, NAME/1/model.onnx."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ..errors import DeploymentError
from ..files import whole_folder
from ..inference.manifest import Manifest, verified_file
from ..inference.run import Run, as_run
from ..inference.triton import CHECKSUM, is_model_name

LABELS = "classes.txt"
QUEUE_DELAY_US = 200
"""How long a request may wait for others to share its batch: little, against a round trip in the network."""
CONFIG = """\
name: {name}
backend: "onnxruntime"
max_batch_size: {max_batch}
input [
  {{
    name: {input}
    data_type: TYPE_FP32
    dims: [ {dims} ]
  }}
]
output [
  {{
    name: {output}
    data_type: TYPE_FP32
    dims: [ {classes} ]
    label_filename: "{labels}"
  }}
]
dynamic_batching {{
  max_queue_delay_microseconds: {delay}
}}
instance_group [
  {{
    count: {instances}
    kind: KIND_AUTO
  }}
]
parameters {{
  key: "intra_op_thread_count"
  value: {{ string_value: "1" }}
}}
parameters {{
  key: "{checksum_key}"
  value: {{ string_value: "{checksum}" }}
}}
"""


def write_model_repository(
    run: Run | Path, folder: Path, name: str | None = None, max_batch: int = 64, instances: int = 1
) -> Path:
    """Write DIR/NAME for Triton from a run's ONNX export and return it; it replaces an older one.

    Args:
        run: run folder with an export.
        folder: the server's model repository; other models in it stay.
        name: of the model; None: the run folder's name.
        max_batch: most images of one call of the model.
        instances: copies of the model that the server runs side by side.

    Raises:
        DeploymentError: no export, one that cannot be trusted, or a name or number that Triton cannot take.
    """
    run = as_run(run)
    manifest = run.manifest
    model = verified_file(run.manifest_file, manifest, "onnx")
    name = run.name if name is None else name
    if not is_model_name(name):
        raise DeploymentError(f"'{name}' is no name for a model; expected letters, digits, _, - and .")
    if min(max_batch, instances) < 1:
        raise DeploymentError(f"max_batch {max_batch} and instances {instances}: expected at least 1")
    with whole_folder(folder / name) as target:
        (target / "1").mkdir()
        shutil.copyfile(model, target / "1" / "model.onnx")
        (target / LABELS).write_text("\n".join(manifest.classes) + "\n", encoding="utf-8")
        (target / "config.pbtxt").write_text(
            model_config(manifest, name, max_batch, instances), encoding="utf-8"
        )
    return folder / name


def model_config(manifest: Manifest, name: str, max_batch: int, instances: int) -> str:
    """Return the text of config.pbtxt: names and shapes from the description, the model's checksum."""
    return CONFIG.format(
        name=json.dumps(name),
        max_batch=max_batch,
        input=json.dumps(manifest.input),
        output=json.dumps(manifest.output),
        dims=", ".join(map(str, manifest.image.shape)),
        classes=len(manifest.classes),
        labels=LABELS,
        delay=QUEUE_DELAY_US,
        instances=instances,
        checksum_key=CHECKSUM,
        checksum=manifest.onnx.sha256 if manifest.onnx else "",
    )
