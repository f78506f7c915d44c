"""What the tests of several commands need: one small run of the whole chain."""

from __future__ import annotations

import pytest

SMALL = ("--training.max_epochs", "2", "--training.batch_size", "64")


@pytest.fixture(scope="session")
def job(tmp_path_factory, script):
    """A folder in which the main job ran on few events, and what it printed."""
    folder = tmp_path_factory.mktemp("job")
    done = script("train", "--events", "800", *SMALL, cwd=folder)
    return folder, done.stdout


@pytest.fixture(scope="session")
def job_store(job):
    """The store that the main job made."""
    return job[0] / "runs/stores/electron_photon_800"
