"""The services that libtorch and ONNX Runtime need in a process, where the release has them.

PyTorchService (from 16_0) keeps libtorch to one thread; ONNXService (newest releases) owns the environment
of ONNX Runtime and knows the GPUs. Elsewhere there is nothing to load: the producers limit threads then.
"""

from contextlib import suppress

with suppress(ImportError):
    from PhysicsTools.PyTorch.PyTorchService_cfi import PyTorchService  # noqa: F401
with suppress(ImportError):
    from PhysicsTools.ONNXRuntime.ONNXService_cfi import ONNXService  # noqa: F401
