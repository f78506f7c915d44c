#!/usr/bin/env python3
"""Write the page and the model card of a run from what is in its folder."""

from RecoE2E.ParticleViT.commands.report import main

if __name__ == "__main__":
    main()
