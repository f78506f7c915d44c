#!/usr/bin/env python3
"""Evaluate a trained run: AUC with its error, background rejection, figures."""

from RecoE2E.ParticleViT.commands.evaluate import main

if __name__ == "__main__":
    main()
