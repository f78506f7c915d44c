"""Trained models at work: runs, predictors for every backend, scores of a store."""
