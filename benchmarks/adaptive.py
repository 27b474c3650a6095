"""How `concurrency: auto` fares with an API that bears a number of requests at once, and suddenly only a tenth of that."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, quantiles
from tempfile import TemporaryDirectory

from benchmarks.bearing import SHARE_LEFT
from benchmarks.figures import CommandFailed
from benchmarks.ours import Penstock
from benchmarks.rounds import say
from benchmarks.shop import Shop, multiplied
from benchmarks.task import Task

_SERVERS = (4, 20, 64, 200)
_WORK = 0.020  # seconds
_TO_FOLLOW = 5.0
_TO_START = 2.0
_STOPPED_EARLY = 3
_PENSTOCK = Penstock(idempotent=True, adapts=True)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds since the first request: by `known` the number must be known, at `drop` the API bears only a tenth."""

    known: float = 30.0
    drop: float = 45.0
    end: float = 60.0


WHOLE = Times()


@dataclass(frozen=True, slots=True)
class Adapted:
    """reached: share of the best throughput. queued: p99 latency at the API as a multiple of its work's p99. waiting: requests at
    the API some seconds after the drop, as a multiple of what it bears then. further: attempts beyond a row's first."""

    servers: int
    reached: float
    queued: float
    waiting: float
    further: int

    @property
    def drops(self) -> bool:
        """An API that bears fewer than ten is left with one, which is no tenth."""
        return self.servers >= SHARE_LEFT


def measure(template: Shop, *, servers: Sequence[int] = _SERVERS, times: Times = WHOLE) -> list[Adapted]:
    found: list[Adapted] = []
    for count in servers:
        # So many rows that no run ends before its time.
        rows = int(count / _WORK * times.end)
        with multiplied(template, 1 + rows // template.rows) as shop:
            found.append(_measure_one(count, shop, times))
        say(f"auto, an API that bears {count}: {found[-1].reached:.1%} of the best")
    return found


def _measure_one(servers: int, shop: Shop, times: Times) -> Adapted:
    with TemporaryDirectory() as name:
        folder = Path(name)
        with _bearing(servers, times.drop, folder / "seen.json") as port:
            task = Task(folder=folder, database=shop.url(), api=f"http://127.0.0.1:{port}/orders", rows=shop.rows)
            _PENSTOCK.get_ready(task)
            command = [*_PENSTOCK.command(task), "--json", "--for", f"{times.end + _TO_START:g}s"]
            ran = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
        if ran.returncode != _STOPPED_EARLY:
            raise CommandFailed(f"ended with {ran.returncode}: {ran.stderr.strip()}")
        run = json.loads(ran.stdout)["run"]
        seen = json.loads((folder / "seen.json").read_bytes())
    return adapted(servers, seen, times, further=run["attempts"] - run["sent"])


@contextmanager
def _bearing(servers: int, drop: float, file: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.bearing", str(servers), str(_WORK), str(drop), str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def adapted(servers: int, seen: Sequence[Sequence[float]], times: Times, *, further: int) -> Adapted:
    """seen: [arrived, begun, answered] of each request; seconds, 0.0: not yet."""
    settled = [request for request in seen if times.known <= request[2] < times.drop]
    work = [answered - begun for _, begun, answered in settled]
    latency = [answered - arrived for arrived, _, answered in settled]
    best = servers / mean(work) * (times.drop - times.known)
    then = times.drop + _TO_FOLLOW
    waiting = sum(1 for arrived, _, answered in seen if arrived < then and not 0.0 < answered <= then)
    return Adapted(
        servers=servers,
        reached=len(settled) / best,
        queued=_p99(latency) / _p99(work),
        waiting=waiting / max(1, servers // SHARE_LEFT),
        further=further,
    )


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[-1]
