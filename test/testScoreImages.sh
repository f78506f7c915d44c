#!/usr/bin/env bash
# Scores a hundred images with the shipped model in cmsRun, for scram b runtests.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -c "
import sys, numpy
random = numpy.random.RandomState(1)
images = random.exponential(1, (100, 2, 32, 32)) * (random.random_sample((100, 2, 32, 32)) < 0.05)
numpy.save(sys.argv[1], images.astype('float32'))" "$folder/images.npy"
cmsRun "$here/scoreImages_cfg.py" -- --images "$folder/images.npy" --scores "$folder/scores.npy" --threads 2 \
  --images-per-event 3 --model RecoE2E/ParticleViT/data/models/electron_photon.onnx
python3 -c "
import sys, numpy
scores = numpy.load(sys.argv[1])
assert scores.shape == (100, 2), scores.shape
assert abs(scores.sum(axis=1) - 1).max() < 1e-5, scores" "$folder/scores.npy"
