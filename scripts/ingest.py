#!/usr/bin/env python3
"""Turn input files into a store of images."""

from RecoE2E.ParticleViT.commands.ingest import main

if __name__ == "__main__":
    main()
