#!/usr/bin/env python3
"""Let a network learn from events without labels; `train --start` goes on from it."""

from RecoE2E.ParticleViT.commands.pretrain import main

if __name__ == "__main__":
    main()
