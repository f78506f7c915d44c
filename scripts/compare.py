#!/usr/bin/env python3
"""Train several models on the same events, or on more and more of them, and compare what they reach."""

from RecoE2E.ParticleViT.commands.compare import main

if __name__ == "__main__":
    main()
