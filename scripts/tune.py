#!/usr/bin/env python3
"""Search for better values of recipe fields, on the user's own store."""

from RecoE2E.ParticleViT.commands.tune import main

if __name__ == "__main__":
    main()
