#!/usr/bin/env python3
"""Score files with a trained run."""

from RecoE2E.ParticleViT.commands.predict import main

if __name__ == "__main__":
    main()
