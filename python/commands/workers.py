"""Start Dask workers as jobs of a batch system, for ingest and predict."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..errors import InputError
from . import cli

if TYPE_CHECKING:
    from dask_jobqueue.core import JobQueueCluster

System = Literal["htcondor", "slurm"]


def workers(
    system: System,
    /,
    jobs: int = 4,
    cores: int = 1,
    memory: str = "4GB",
    queue: str | None = None,
    walltime: str = "02:00:00",
    port: int = 8786,
    show: bool = False,
) -> None:
    """Start a Dask scheduler here and workers as jobs; runs until Ctrl-C or SIGTERM, which end the jobs.

    Prints the scheduler's address, for --scheduler of ingest and predict.

    Args:
        system: Batch system that the jobs are submitted to.
        jobs: Number of jobs, one worker each.
        cores: Cores of a job.
        memory: Memory of a job.
        queue: Partition of Slurm.
        walltime: Longest time of a job in Slurm, hours:minutes:seconds.
        port: Port of the scheduler.
        show: Print what would be submitted for a job, and submit nothing.
    """
    if min(jobs, cores) < 1:
        raise InputError(f"--jobs is {jobs} and --cores {cores}; give 1 or more")
    if not 0 <= port < 65536:
        raise InputError(f"--port is {port}; give 0 to 65535, where 0 is any that is free")
    with make_cluster(system, cores, memory, queue, walltime, port) as cluster:
        if show:
            cli.say(cluster.job_script())
            return
        cluster.scale(jobs=jobs)
        cli.say(cluster.scheduler_address)
        while True:
            time.sleep(1)


def make_cluster(
    system: System, cores: int, memory: str, queue: str | None, walltime: str, port: int
) -> JobQueueCluster:
    """Return the cluster, without jobs yet.

    Raises:
        InputError: dask-jobqueue is not installed, or a value is none that it takes.
    """
    try:
        from dask_jobqueue.htcondor import HTCondorCluster
        from dask_jobqueue.slurm import SLURMCluster
    except ModuleNotFoundError as error:
        raise InputError("batch jobs need dask-jobqueue; pip install 'particlevit[batch]'") from error
    _check_memory(memory)
    settings: dict[str, Any] = {
        "cores": cores, "processes": 1, "memory": memory, "scheduler_options": {"port": port},
        "job_script_prologue": ["export OMP_NUM_THREADS=1"],
    }  # fmt: skip
    try:
        if system == "slurm":
            return SLURMCluster(queue=queue, walltime=walltime, **settings)
        return HTCondorCluster(disk="2GB", **settings)
    except (OSError, ValueError) as error:
        raise InputError(f"no scheduler can be started here: {' '.join(str(error).split())}") from error


def _check_memory(memory: str) -> None:
    """Refuse what is no size of a job's memory."""
    from dask.utils import parse_bytes

    try:
        size = parse_bytes(memory)
    except ValueError:
        size = 0
    if not 1e8 <= size < 1e15:
        raise InputError(f"--memory is '{memory}'; give the memory of a job, such as 4GB")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(workers, arguments=arguments)
