#!/usr/bin/env python3
"""Say how far single scores can be trusted."""

from RecoE2E.ParticleViT.commands.uncertainty import main

if __name__ == "__main__":
    main()
