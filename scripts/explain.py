#!/usr/bin/env python3
"""Show what a trained network looks at."""

from RecoE2E.ParticleViT.commands.explain import main

if __name__ == "__main__":
    main()
