"""Batches from a store."""
