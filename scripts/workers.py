#!/usr/bin/env python3
"""Start Dask workers as jobs of a batch system; --help says more."""

from RecoE2E.ParticleViT.commands.workers import main

if __name__ == "__main__":
    main()
