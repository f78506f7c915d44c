#!/usr/bin/env python3
"""Draft a recipe from a file."""

from RecoE2E.ParticleViT.commands.recipe import main

if __name__ == "__main__":
    main()
