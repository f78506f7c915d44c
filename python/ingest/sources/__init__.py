"""Kinds of input: one module per kind of file."""
