from __future__ import annotations

import shutil

import pytest

from RecoE2E.ParticleViT.deployment import export_run


@pytest.fixture(scope="session")
def exported_run(small_run, tmp_path_factory):
    """A run of `small_run` with its export; not to be changed."""
    run = tmp_path_factory.mktemp("exported") / "run"
    shutil.copytree(small_run, run)
    export_run(run)
    return run


@pytest.fixture
def own_run(exported_run, tmp_path):
    """A copy of the exported run that a test may damage."""
    return shutil.copytree(exported_run, tmp_path / "run")
