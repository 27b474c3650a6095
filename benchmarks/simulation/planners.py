"""Planners alone: so many that want a range each, all at once, of a real ledger. How many do they get, in how many tries, and how
often do they read keys for one?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from benchmarks.ours import Penstock
from benchmarks.task import Task
from penstock.database.connect import Database, open_database
from penstock.demo.shop import fill_shop
from penstock.engine.planner import Planner
from penstock.engine.stop import Stop
from penstock.ledger.opening import nobody, open_ledger
from penstock.ledger.ranges import Free, Lease, Span
from penstock.ledger.rows import Settlement
from penstock.ledger.store import SqlLedger
from penstock.rows import KeyText
from penstock.source.base import KeyPage

_LEASE = 3600.0
_JOB = "orders"


@dataclass(frozen=True, slots=True)
class Plans:
    """Of one range that was had, on average: tries to move the cursor, spans whose keys were read."""

    planners: int
    per_second: float
    tries: float
    walked: float


class _Counted:
    """A planner's ledger, and its source: the next number is a key, and finding the 999th costs a look into the database."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger
        self.tries = 0
        self.walked = 0

    async def lease(self, owner: str) -> Lease | None:
        return await self._ledger.lease(owner, _LEASE, _recall_nothing, nobody)

    async def cursor(self) -> KeyText | None:
        return await self._ledger.cursor()

    async def plan(self, after: KeyText | None, upto: KeyText, keys: int, owner: str, seconds: float) -> Lease | None:
        self.tries += 1
        return await self._ledger.plan(after, upto, keys, owner, seconds)

    async def plan_ahead(self, spans: Sequence[Span]) -> Sequence[Free]:
        self.tries += 1
        return await self._ledger.plan_ahead(spans)

    async def next_keys(self, after: KeyText | None, limit: int) -> KeyPage:
        self.walked += 1
        await self._ledger.cursor()
        return KeyPage(str(int(after or 0) + limit), limit, at_end=False)


def plans_of(url: str, planners: int, *, seconds: float) -> Plans:
    """url: of an empty database. Each planner has connections of its own, and asks again and again, as a worker without rows."""
    with TemporaryDirectory() as folder:
        asyncio.run(fill_shop(SecretStr(url), orders=10, seed=1))
        Penstock(idempotent=True).get_ready(
            Task(folder=Path(folder), database=url, api="http://127.0.0.1:9/orders", rows=10)
        )
    return asyncio.run(_plan(url, planners, seconds))


async def _plan(url: str, planners: int, seconds: float) -> Plans:
    databases = [open_database(SecretStr(url), connections=1) for _ in range(planners)]
    ledgers = [_Counted(await open_ledger(database, _JOB)) for database in databases]
    for ledger in ledgers:
        await ledger.cursor()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        had = [
            group.create_task(_ask(ledger, f"planner {number}", planners, began + seconds))
            for number, ledger in enumerate(ledgers)
        ]
    taken = time.perf_counter() - began
    await _closed(databases)
    ranges = sum(task.result() for task in had)
    return Plans(
        planners,
        ranges / taken,
        sum(ledger.tries for ledger in ledgers) / max(1, ranges),
        sum(ledger.walked for ledger in ledgers) / max(1, ranges),
    )


async def _ask(ledger: _Counted, owner: str, planners: int, until: float) -> int:
    """As a worker does that has no rows: look for an open range, else plan."""
    planner = Planner(
        ledger, ledger, Stop(), Random(owner), owner=owner, lease=_LEASE, workers=lambda: planners, speed=lambda: 0.0
    )
    had = 0
    while time.perf_counter() < until:
        lease = await ledger.lease(owner) or await planner.plan()
        had += lease is not None
    return had


def _recall_nothing(_owner: str, _range_no: int, _fence: int) -> Sequence[Settlement]:
    return ()


async def _closed(databases: list[Database]) -> None:
    for database in databases:
        await database.aclose()
