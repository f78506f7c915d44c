#!/usr/bin/env python3
"""Train a network from a store; without a store, run the whole chain on simulated events."""

from RecoE2E.ParticleViT.commands.train import main

if __name__ == "__main__":
    main()
