"""A model that a Triton server runs, as a backend: http://HOST:PORT/MODEL, by Triton's client library."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from ..errors import DeploymentError
from .manifest import Manifest
from .predictors import BackendUnavailableError, Images, Predictor

CHECKSUM = "particlevit_sha256"
"""Parameter of the served model's configuration: the checksum of its ONNX file."""
TIMEOUT = 30.0
"""Seconds that a server may take to answer one request."""


def is_model_name(name: str) -> bool:
    """Tell whether Triton, and a URL, can take a name."""
    return re.fullmatch(r"[\w.-]+", name, re.ASCII) is not None and name.strip(".") != ""


@dataclass(frozen=True)
class Served:
    """Where a model is served."""

    host: str
    """HOST:PORT."""
    model: str
    """Name of the model on the server."""
    secure: bool = False
    """Whether the server speaks https."""
    timeout: float = TIMEOUT
    """Seconds that a request may take."""

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.host}/{self.model}"


def parse_url(url: str, model: str, timeout: float = TIMEOUT) -> Served:
    """Return what a URL names; `model` where it names none.

    >>> str(parse_url("localhost:8000", "run"))
    'http://localhost:8000/run'

    Raises:
        DeploymentError: not a URL of a server, of the HTTP protocol.
    """
    problem = f"'{url}' is no address of a Triton server; expected http://HOST:PORT/MODEL"
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError as error:  # no such port, or brackets without an address
        raise DeploymentError(problem) from error
    name = parts.path.strip("/") or model
    if parts.scheme not in ("http", "https") or not parts.hostname or port is None or not is_model_name(name):
        raise DeploymentError(problem)
    return Served(f"{parts.hostname}:{port}", name, parts.scheme == "https", timeout)


def triton_predictor(served: Served, manifest: Manifest) -> Predictor:
    """Return the predictor of a served model that is proven to be the one that model.json describes.

    Raises:
        BackendUnavailableError: Triton's client library is missing.
        DeploymentError: no server, no such model there, or another one.
    """
    client = _Client(served)
    largest = client.check_model(manifest)

    def score(images: Images) -> NDArray[np.float32]:
        parts = [images[i : i + largest] for i in range(0, len(images), largest)]
        return np.concatenate([client.infer(part, manifest.input, manifest.output) for part in parts])

    return Predictor("triton", manifest.image, list(manifest.classes), score)


class _Client:
    """Triton's client, whose errors say what to do."""

    def __init__(self, served: Served) -> None:
        try:
            import tritonclient.http as http
        except ImportError as error:
            raise BackendUnavailableError(
                "backend triton: tritonclient is missing; pip install 'particlevit[triton]'"
            ) from error
        self._http = http
        self._served = served
        self._client = http.InferenceServerClient(
            served.host,
            ssl=served.secure,
            connection_timeout=served.timeout,
            network_timeout=served.timeout,
        )

    def _call(self, function: str, *arguments: Any, **options: Any) -> Any:
        from tritonclient.utils import InferenceServerException

        try:
            return getattr(self._client, function)(*arguments, **options)
        except TimeoutError as error:
            raise DeploymentError(
                f"{self._served}: no answer within {self._served.timeout:g} s; is the server overloaded?"
            ) from error
        except OSError as error:
            raise DeploymentError(
                f"{self._served}: no server answers ({error}); start tritonserver with the repository that "
                "scripts/export.py --triton writes"
            ) from error
        except InferenceServerException as error:
            raise DeploymentError(f"{self._served}: the server refuses: {error.message()}") from error

    def check_model(self, manifest: Manifest) -> int:
        """Return the most images per request, if the served model is the described one."""
        model = self._served.model
        if not self._call("is_model_ready", model):
            known = [entry["name"] for entry in self._call("get_model_repository_index")]
            raise DeploymentError(
                f"{self._served}: the server has no model '{model}' ready; "
                f"it has {', '.join(known) or 'none'}"
            )
        found = self._call("get_model_metadata", model)
        expected = {
            "inputs": [(manifest.input, "FP32", [-1, *manifest.image.shape])],
            "outputs": [(manifest.output, "FP32", [-1, len(manifest.classes)])],
        }
        for side, wanted in expected.items():
            seen = [(entry["name"], entry["datatype"], list(entry["shape"])) for entry in found[side]]
            if seen != wanted:
                raise DeploymentError(
                    f"{self._served}: the served model's {side} are {_words(seen)}, "
                    f"expected {_words(wanted)}; serve the model of this run"
                )
        config = self._call("get_model_config", model)
        checksum = config.get("parameters", {}).get(CHECKSUM, {}).get("string_value")
        expected_checksum = manifest.onnx.sha256 if manifest.onnx else ""
        if checksum != expected_checksum:
            raise DeploymentError(
                f"{self._served}: serves another model, with checksum {str(checksum)[:12]}, expected "
                f"{expected_checksum[:12]}; write its repository with scripts/export.py --triton"
            )
        return max(int(config["max_batch_size"]), 1)

    def infer(self, images: Images, input_name: str, output_name: str) -> NDArray[np.float32]:
        """Return the probabilities (B, K) of images (B, C, H, W)."""
        request = self._http.InferInput(input_name, list(images.shape), "FP32")
        request.set_data_from_numpy(images)
        wanted = [self._http.InferRequestedOutput(output_name)]
        found: NDArray[np.float32] = self._call(
            "infer", self._served.model, [request], outputs=wanted
        ).as_numpy(output_name)
        return found


def _words(tensors: list[tuple[str, str, list[int]]]) -> str:
    return ", ".join(f"{name} {kind} {shape}" for name, kind, shape in tensors)
