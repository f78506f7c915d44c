#!/usr/bin/env python3
"""Look for a good learning rate, on the user's own store."""

from RecoE2E.ParticleViT.commands.learning_rate import main

if __name__ == "__main__":
    main()
