"""Figures and pages: how results look, whatever they are."""
