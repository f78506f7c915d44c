"""Exported models: write, load, compare."""
