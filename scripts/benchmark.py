#!/usr/bin/env python3
"""Measure what models cost: operations, latency, throughput, memory, time per operator."""

from RecoE2E.ParticleViT.commands.benchmark import main

if __name__ == "__main__":
    main()
