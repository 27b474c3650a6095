"""Planners alone: so many that want a range each, all at once, of a real ledger. How many do they get, in how many tries?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from benchmarks.ours import Penstock
from benchmarks.task import Task
from penstock.database.connect import Database, open_database
from penstock.demo.shop import fill_shop
from penstock.ledger.opening import open_ledger
from penstock.ledger.store import SqlLedger

_LEASE = 3600.0
_JOB = "orders"


@dataclass(frozen=True, slots=True)
class Plans:
    """tries: of one range that was had, on average."""

    planners: int
    per_second: float
    tries: float


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
    tried: list[int] = []
    had: list[int] = []
    ledgers = [await open_ledger(database, _JOB) for database in databases]
    for ledger in ledgers:
        await ledger.cursor()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, ledger in enumerate(ledgers):
            group.create_task(_ask(ledger, f"planner {number}", began + seconds, tried, had))
    taken = time.perf_counter() - began
    await _closed(databases)
    return Plans(planners, len(had) / taken, len(tried) / max(1, len(had)))


async def _ask(ledger: SqlLedger, owner: str, until: float, tried: list[int], had: list[int]) -> None:
    """Next keys need no source here: the next number is one."""
    while time.perf_counter() < until:
        cursor = await ledger.cursor()
        upto = str(int(cursor or 0) + 999)
        tried.append(1)
        if await ledger.plan(cursor, upto, 999, owner, _LEASE) is not None:
            had.append(1)
        else:
            await ledger.cursor()


async def _closed(databases: list[Database]) -> None:
    for database in databases:
        await database.aclose()
