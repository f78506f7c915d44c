import shutil
import subprocess

import pytest

from RecoE2E.ParticleViT.deployment.cms_data import write_cms_data
from RecoE2E.ParticleViT.errors import DeploymentError


def test_the_repository_is_whole_and_says_what_is_in_it(own_run, tmp_path, script):
    folder = tmp_path / "RecoE2E-ParticleViT"
    done = script("export", "--run", own_run, "--cms-data", folder)
    names = {path.name for path in (folder / "models").iterdir()}
    assert names == {"run.onnx", "run.pt", "run.json", "run.md"}
    assert "models/run.onnx" in done.stdout
    assert (folder / "models/run.json").read_bytes() == (own_run / "export/model.json").read_bytes()
    card = (folder / "models/run.md").read_text()
    assert card == (own_run / "export/MODEL_CARD.md").read_text()


def test_checksums_are_those_of_sha256sum_and_cover_other_models(exported_run, tmp_path):
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    for name in ("first", "second"):
        write_cms_data(exported_run, tmp_path, f"# {name}\n", name)
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 8
    (tmp_path / "models/first.pt").write_bytes(b"torn")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_an_exchanged_file_is_not_passed_on(own_run, tmp_path):
    (own_run / "export/model.onnx").write_bytes(b"another")
    with pytest.raises(DeploymentError, match="the file was damaged or exchanged"):
        write_cms_data(own_run, tmp_path / "data", "# card\n")
    assert not (tmp_path / "data").exists()
