"""The submit files of scripts/batch are what their batch systems can read."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from RecoE2E.ParticleViT.commands.main import VERBS

BATCH = Path(__file__).resolve().parents[2] / "scripts/batch"
SLURM_OPTIONS = {
    "job-name", "nodes", "ntasks", "ntasks-per-node", "cpus-per-task", "mem", "gres", "time", "requeue",
    "signal", "output",
}  # fmt: skip
CONDOR_KEYS = {
    "universe", "executable", "arguments", "initialdir", "should_transfer_files", "request_cpus",
    "request_memory", "request_gpus", "environment", "output", "error", "log", "kill_sig",
    "job_max_vacate_time", "on_exit_remove", "max_retries",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted(BATCH.glob("*.slurm")), ids=lambda path: path.name)
def test_slurm_files(path):
    subprocess.run(["bash", "-n", path], check=True)
    lines = path.read_text().splitlines()
    assert lines[0].startswith("#!")
    directives = [number for number, line in enumerate(lines) if line.startswith("#SBATCH")]
    first_command = next(number for number, line in enumerate(lines) if line and not line.startswith("#"))
    assert directives
    assert max(directives) < first_command  # Slurm reads no directive below
    for number in directives:
        option = re.fullmatch(r"#SBATCH --([a-z-]+)(=\S+)?", lines[number])
        assert option, lines[number]
        assert option[1] in SLURM_OPTIONS
    assert any(line.startswith("#SBATCH --signal=TERM@") for line in lines)
    check_command(" ".join(path.read_text().replace("\\\n", " ").split()))


def test_condor_file():
    lines = [line for line in (BATCH / "train.sub").read_text().splitlines() if line and line[0] != "#"]
    assert lines[-1] == "queue"
    entries = dict(re.fullmatch(r"(\w+)\s*= (.+)", line).groups() for line in lines[:-1])
    assert set(entries) <= CONDOR_KEYS
    for key in ("arguments", "environment"):
        assert re.fullmatch(r'"[^"]+"', entries[key])
    check_command(f"{entries['executable']} {entries['arguments'][1:-1]}")
    assert entries["on_exit_remove"].count("(") == entries["on_exit_remove"].count(")")


def check_command(text):
    """The options of the package's command are its own."""
    from RecoE2E.ParticleViT.commands import cli
    from RecoE2E.ParticleViT.commands.train import train

    words = shlex.split(re.search(r"(?:particlevit train|scripts/train\.py) ((?:--\S+ \S+ ?)+)", text)[1])
    assert "train" in VERBS
    assert set(cli.parse(train, (), words)) == {"recipe", "store", "run", "overrides"}


@pytest.mark.parametrize("system", ["slurm", "htcondor"])
def test_workers_show_what_they_would_submit(system, script, tmp_path):
    pytest.importorskip("dask_jobqueue")
    done = script("workers", system, "--jobs", 2, "--port", 0, "--show", cwd=tmp_path)
    assert "distributed.cli.dask_worker" in done.stdout
    if system == "slurm":
        (tmp_path / "job.sh").write_text(done.stdout)
        subprocess.run(["bash", "-n", tmp_path / "job.sh"], check=True)
        assert "#SBATCH --cpus-per-task=1" in done.stdout
    else:
        assert done.stdout.strip().splitlines()[-1].lower() == "queue"


@pytest.mark.parametrize("memory", ["7", "much", "", "nan", "1e30GB"])
def test_workers_need_a_size_of_memory(script, memory):
    pytest.importorskip("dask_jobqueue")
    done = script("workers", "slurm", "--port", 0, "--show", "--memory", memory, check=2)
    assert f"--memory is '{memory}'" in done.stderr


def test_workers_need_a_port(script):
    assert "--port is 99999" in script("workers", "slurm", "--show", "--port", 99999, check=2).stderr
