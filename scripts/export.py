#!/usr/bin/env python3
"""Export a trained run as TorchScript and ONNX."""

from RecoE2E.ParticleViT.commands.export import main

if __name__ == "__main__":
    main()
