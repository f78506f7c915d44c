#!/usr/bin/env python3
"""Make an ensemble of trained runs, and evaluate it."""

from RecoE2E.ParticleViT.commands.ensemble import main

if __name__ == "__main__":
    main()
