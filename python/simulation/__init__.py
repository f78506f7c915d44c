"""Detector images from first principles."""
