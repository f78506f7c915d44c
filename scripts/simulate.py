#!/usr/bin/env python3
"""Simulate detector images from first principles."""

from RecoE2E.ParticleViT.commands.simulate import main

if __name__ == "__main__":
    main()
