#!/usr/bin/env python3
"""Look at files or a store before training: one HTML report and its figures."""

from RecoE2E.ParticleViT.commands.explore import main

if __name__ == "__main__":
    main()
