"""model.onnx of a model repository in Triton's Python backend; serve.py puts it there."""

import json
import time
from pathlib import Path

import onnxruntime
import triton_python_backend_utils as utils  # Triton brings it


class TritonPythonModel:
    """What Triton's Python backend calls."""

    def initialize(self, arguments):
        config = json.loads(arguments["model_config"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = Path(arguments["model_repository"]) / arguments["model_version"] / "model.onnx"
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.input, self.output = config["input"][0]["name"], config["output"][0]["name"]
        self.delay = float(config["parameters"].get("delay_s", {}).get("string_value", 0))

    def execute(self, requests):
        """Score the images of all requests that Triton brings together as one batch."""
        import numpy as np

        time.sleep(self.delay)
        images = [utils.get_input_tensor_by_name(request, self.input).as_numpy() for request in requests]
        scores = self.session.run([self.output], {self.input: np.concatenate(images)})[0]
        ends = np.cumsum([len(part) for part in images])[:-1]
        return [
            utils.InferenceResponse([utils.Tensor(self.output, np.ascontiguousarray(part))])
            for part in np.split(scores, ends)
        ]
