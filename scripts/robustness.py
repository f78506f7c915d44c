#!/usr/bin/env python3
"""Scan what noise, dead cells and other disturbances do to the AUC of runs."""

from RecoE2E.ParticleViT.commands.robustness import main

if __name__ == "__main__":
    main()
