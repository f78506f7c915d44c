#!/usr/bin/env python3
"""Prove that the exports of a run give the answers of the trained network."""

from RecoE2E.ParticleViT.commands.validate import main

if __name__ == "__main__":
    main()
