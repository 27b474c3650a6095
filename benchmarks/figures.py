"""One measured run of a command: what was seen while it ran, and the figures that follow from it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.api import Api
from benchmarks.processes import cpu_seconds, peak_megabytes

_BEFORE_THE_FIRST_POST = 0.005
_AFTERWARDS = 0.05
_HARDLY_LONGER = 1.2


class CommandFailed(Exception):
    """The measured command ended with another code than 0, or did less than it should have."""


@dataclass(frozen=True, slots=True)
class Sample:
    """seconds: since the command began. posts: requests that the API has had from it. The rest: what has been used so far.

    database_cpu is None where the server's process cannot be seen.
    """

    seconds: float
    posts: int
    client_cpu: float
    api_cpu: float
    database_cpu: float | None
    megabytes: float


_NOTHING = Sample(seconds=0.0, posts=0, client_cpu=0.0, api_cpu=0.0, database_cpu=0.0, megabytes=0.0)


@dataclass(frozen=True, slots=True)
class Figures:
    """*_cpu: seconds of processor time for 10,000 rows. one_row: seconds that a run with one row takes.

    api_busy: share of one core.
    """

    rows_per_second: float
    client_cpu: float
    api_cpu: float
    database_cpu: float | None
    megabytes: float
    one_row: float
    api_busy: float


def watch(
    command: Sequence[str],
    *,
    folder: Path,
    api: Api | None,
    database_process: int | None,
) -> list[Sample]:
    """Run the command in `folder` to its end; the last sample is of that moment. What it says is in folder/output.

    api: None for a command that calls none. database_process: None where it has none, or it cannot be seen.

    Raises CommandFailed with the last line that it said.
    """
    posts_before = _posts(api)
    api_before, database_before = _servers_cpu(api, database_process)
    samples: list[Sample] = []

    def sample(client_cpu: float, megabytes: float) -> Sample:
        api_cpu, database_cpu = _servers_cpu(api, database_process)
        return Sample(
            seconds=time.perf_counter() - began,
            posts=_posts(api) - posts_before,
            client_cpu=client_cpu,
            api_cpu=api_cpu - api_before,
            database_cpu=None if database_cpu is None or database_before is None else database_cpu - database_before,
            megabytes=megabytes,
        )

    output = folder / "output"
    began = time.perf_counter()
    with (
        output.open("wb") as said,
        subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        ) as process,
    ):
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            samples.append(sample(cpu_seconds(process.pid), peak_megabytes(process.pid)))
            time.sleep(_AFTERWARDS if api is None or samples[-1].posts else _BEFORE_THE_FIRST_POST)
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = max((seen.megabytes for seen in samples), default=0.0)
        samples.append(sample(usage.ru_utime + usage.ru_stime, peak))
    if process.returncode:
        last = output.read_text(errors="replace").strip().rpartition("\n")[2]
        raise CommandFailed(f"ended with {process.returncode}: {last}")
    return samples


def _posts(api: Api | None) -> int:
    return 0 if api is None else api.posts()


def _servers_cpu(api: Api | None, database_process: int | None) -> tuple[float, float | None]:
    return (
        0.0 if api is None else cpu_seconds(api.process),
        None if database_process is None else cpu_seconds(database_process),
    )


def figures(one_row: Sample, all_rows: Sample, rows: int) -> Figures:
    """What further rows cost: the end of a run with all of them, less the end of a run with one.

    So slow peers, which get fewer rows, do not pay more for starting; and those that read everything first do pay for that.
    """
    # A run with all of them that takes hardly longer tells nothing: let it pay for its start as well.
    start = one_row if all_rows.seconds > _HARDLY_LONGER * one_row.seconds else _NOTHING
    seconds, tens_of_thousands = all_rows.seconds - start.seconds, (rows - start.posts) / 10_000
    database_cpu = None
    if all_rows.database_cpu is not None:
        database_cpu = (all_rows.database_cpu - (start.database_cpu or 0.0)) / tens_of_thousands
    return Figures(
        rows_per_second=(rows - start.posts) / seconds,
        client_cpu=(all_rows.client_cpu - start.client_cpu) / tens_of_thousands,
        api_cpu=(all_rows.api_cpu - start.api_cpu) / tens_of_thousands,
        database_cpu=database_cpu,
        megabytes=all_rows.megabytes,
        one_row=one_row.seconds,
        api_busy=(all_rows.api_cpu - start.api_cpu) / seconds,
    )
