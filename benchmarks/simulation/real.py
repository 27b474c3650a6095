"""Real runs for the simulation to be held against: so many processes on this machine, looked at once all of them are at work."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.api import Api
from benchmarks.figures import CommandFailed
from benchmarks.ours import Penstock
from benchmarks.processes import cpu_seconds
from benchmarks.shop import Shop
from benchmarks.task import Task

_SECONDS_TO_START = 120.0
_LOOK = 0.5
_SETTLED_DOWN = 3.0  # seconds after the last one has begun
_AT_WORK = "SELECT COUNT(*) FROM penstock_workers WHERE rows_per_second > 0"
_STOPPED_EARLY = 3
_LOOKS = 3  # of which that with the middle speed is told
_SAMPLE = 0.4


@dataclass(frozen=True, slots=True)
class Real:
    """worker_row, database_row, api_row: seconds of processor time for a row. others: sessions of other
    programs that wanted a processor, on average."""

    workers: int
    rows_per_second: float
    worker_row: float
    database_row: float
    api_row: float
    others: float


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    posts: int
    workers: float
    database: float
    api: float


def run(shop: Shop, api: Api, *, workers: int, in_flight: int, delay: int, idempotent: bool, seconds: float) -> Real:
    """in_flight: of one worker. delay: of the API, milliseconds. The shop: new, with more rows than are sent. seconds: of one of
    three looks; the one with the middle speed is told.

    Raises CommandFailed where a process ends before its time, or not all of them get to work.
    """
    database = shop.server.process()
    if database is None:
        raise CommandFailed("the database's process cannot be seen: it runs elsewhere")
    with TemporaryDirectory() as folder:
        task = Task(
            folder=Path(folder), database=shop.url(), api=api.url(delay), rows=shop.rows, in_flight=workers * in_flight
        )
        peer = Penstock(idempotent=idempotent)
        peer.get_ready(task)
        with _running(peer.command(task), workers, task.folder) as processes:
            _wait_until_at_work(shop, processes, task.folder)
            time.sleep(_SETTLED_DOWN)
            looks = [_look(processes, database, api)]
            others: list[float] = []
            for _ in range(_LOOKS):
                others.append(
                    _others_running([*(process.pid for process in processes), database, api.process], seconds)
                )
                looks.append(_look(processes, database, api))
            if any(process.poll() is not None for process in processes):
                raise CommandFailed(f"ended before its time: {_last_words(task.folder)}; give it more rows")
    found = [_between(workers, *part) for part in zip(looks, looks[1:], others, strict=False)]
    return sorted(found, key=lambda real: real.rows_per_second)[_LOOKS // 2]


def _between(workers: int, before: _Seen, after: _Seen, others: float) -> Real:
    rows, seconds = after.posts - before.posts, after.at - before.at
    ours = [after.workers - before.workers, after.database - before.database, after.api - before.api]
    return Real(
        workers=workers,
        rows_per_second=rows / seconds,
        worker_row=ours[0] / rows,
        database_row=ours[1] / rows,
        api_row=ours[2] / rows,
        others=others,
    )


@contextmanager
def _running(command: Sequence[str], workers: int, folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """They are asked to stop in the end, and do so softly."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with (folder / "output").open("wb") as said:
            for _ in range(workers):
                processes.append(
                    # A session each: the kernel shares processors out among sessions first.
                    subprocess.Popen(
                        command,
                        cwd=folder,
                        stdin=subprocess.DEVNULL,
                        stdout=said,
                        stderr=said,
                        start_new_session=True,
                    )
                )
            yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        codes = [process.wait() for process in processes]
    if any(code != _STOPPED_EARLY for code in codes):
        raise CommandFailed(f"ended with {codes}: {_last_words(folder)}")


def _wait_until_at_work(shop: Shop, processes: Sequence[subprocess.Popen[bytes]], folder: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while int(shop.server.ask(_AT_WORK, database=shop.database)) < len(processes):
        if time.monotonic() > deadline or any(process.poll() is not None for process in processes):
            raise CommandFailed(f"not all of {len(processes)} got to work: {_last_words(folder)}")
        time.sleep(_LOOK)


def _look(processes: Sequence[subprocess.Popen[bytes]], database: int, api: Api) -> _Seen:
    return _Seen(
        at=time.perf_counter(),
        posts=api.posts(),
        workers=sum(cpu_seconds(process.pid) for process in processes),
        database=cpu_seconds(database),
        api=cpu_seconds(api.process),
    )


def _others_running(ours: Sequence[int], seconds: float) -> float:
    """How many other sessions want a processor, on average over so many seconds; the one that looks is left out. Not threads:
    among sessions the kernel shares processors out, as Linux does it unless told otherwise."""
    mine = {os.getsid(0), *(os.getsid(process) for process in ours)}
    samples: list[int] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        samples.append(len(set(_sessions_that_run()) - mine))
        time.sleep(_SAMPLE)
    return sum(samples) / len(samples)


def _sessions_that_run() -> Iterator[int]:
    for thread in Path("/proc").glob("[0-9]*/task/[0-9]*/stat"):
        try:
            state, _, _, session = thread.read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has ended meanwhile
            continue
        if state == "R":
            yield int(session)


def _last_words(folder: Path) -> str:
    return (folder / "output").read_text(errors="replace").strip().rpartition("\n")[2]
