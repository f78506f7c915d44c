"""Sparse images on disk."""
