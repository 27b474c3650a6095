"""Measures what the simulation is fed with: calls of the ledger on MariaDB and PostgreSQL, a row's processor time, an fsync."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from benchmarks.cases import PENSTOCK, PENSTOCK_ONCE, Case
from benchmarks.database import find_server
from benchmarks.machine import described
from benchmarks.nginx import running_nginx
from benchmarks.ours import Penstock
from benchmarks.rounds import measure as run_rounds
from benchmarks.rounds import say
from benchmarks.shop import template_shop
from benchmarks.simulation.calls import bench_of
from benchmarks.simulation.costs import Calls, Costs, Row
from benchmarks.simulation.meter import Meter
from benchmarks.simulation.places import Place, mariadb, postgresql
from benchmarks.task import Task
from penstock.demo.shop import fill_shop
from penstock.spec.loader import load

_ORDERS = 50_000
_CALLS = 40
_RUN_ROWS = 20_000
_RUN_ROUNDS = 3
_PLACES: tuple[Callable[[], AbstractContextManager[Place]], ...] = (mariadb, postgresql)
_KINDS = {"idempotent": PENSTOCK.delayed(20, 1), "once": PENSTOCK_ONCE.delayed(20, 1)}


def measured() -> Costs:
    """Five minutes. Raises Missing where a server or nginx is."""
    words = "; ".join(_in_few_words(described(find_server())))
    load = os.getloadavg()[0]
    commit = _fsync()
    calls = dict(_calls_on(place) for place in _PLACES)
    rows = _rows()
    return Costs(
        machine=f"{words}; load (1 minute) {load:.1f} before, {os.getloadavg()[0]:.1f} after",
        commit=commit,
        rows={kind: rows[case] for kind, case in _KINDS.items()},
        calls=calls,
    )


def _rows() -> dict[Case, Row]:
    """One worker with 64 requests in flight, and an API that takes 20 ms."""
    with (
        TemporaryDirectory() as folder,
        running_nginx(Path(folder)) as api,
        template_shop(find_server(), _RUN_ROWS) as shop,
    ):
        found = run_rounds(list(_KINDS.values()), template=shop, api=api, rounds=_RUN_ROUNDS)
    return {case: Row(worker=run.client_cpu / 10_000, api=run.api_cpu / 10_000) for case, run in found.items()}


def _calls_on(place_of: Callable[[], AbstractContextManager[Place]]) -> tuple[str, Calls]:
    with place_of() as place, TemporaryDirectory() as folder:
        say(f"measuring the ledger's calls on {place.kind}")
        asyncio.run(fill_shop(SecretStr(place.url), orders=_ORDERS, seed=1))
        task = Task(folder=Path(folder), database=place.url, api="http://127.0.0.1:9/orders", rows=_ORDERS)
        Penstock(idempotent=False).get_ready(task)
        return place.kind, asyncio.run(_calls(Path(folder) / "orders.yaml", place))


async def _calls(file: Path, place: Place) -> Calls:
    async with bench_of(load(file), Meter(place.process, _CALLS)) as bench:
        return await bench.measure()


def _fsync() -> float:
    """Of a block of a file that has its size already, as a database's log has; beside this program, maybe not on its disk."""
    with TemporaryDirectory(dir=Path.cwd()) as folder, (Path(folder) / "log").open("wb", buffering=0) as log:
        log.write(bytes(2**20))
        os.fsync(log.fileno())
        taken = []
        for block in range(200):
            log.seek(block * 4096)
            log.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(log.fileno())
            taken.append(time.perf_counter() - began)
    return median(taken)


def _in_few_words(lines: str) -> Iterator[str]:
    """Date, processor and system; the server."""
    for line in (lines.splitlines()[0], lines.splitlines()[2]):
        yield line.removeprefix("- ").partition("; nginx")[0]
