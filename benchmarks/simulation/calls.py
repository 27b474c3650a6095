"""The calls that are measured, made as a worker makes them: through the ledger's port, on a real job with a flag."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count, pairwise
from statistics import linear_regression
from time import process_time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.simulation.costs import Calls, Cost
from benchmarks.simulation.meter import ROUNDS, Meter, beyond, line
from penstock.clock import SystemClock
from penstock.engine.owner import host_name, new_owner
from penstock.ledger.base import FlagMarker
from penstock.ledger.opening import nobody, open_ledger
from penstock.ledger.ranges import Lease, Portion, Span, WindowKey
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState
from penstock.ledger.store import SqlLedger
from penstock.ledger.workers import Pulse
from penstock.rows import KeyText
from penstock.source.base import Mark
from penstock.source.open import open_source
from penstock.source.reader import SqlSource
from penstock.spec.models import Job
from penstock.wiring.databases import Databases, open_databases
from penstock.wiring.flags import desk_of, marker_of, writer_of
from penstock.wiring.running import identity_of

PAGE = 1000
SPAN = 999
WINDOW = 250
_LEASE = 3600.0  # nothing may run out meanwhile
_WORKERS = (1, 100, 500)
_ROWS = (50, 500, 900)
_SPANS = (2, 8, 32)
_PULSE = Pulse(in_flight=16, rows_per_second=100.0, concurrency=16, limited_by="API")
# Without beating: else they would be silent for too long, and dead.
_KEEP_ALIVE = text("UPDATE penstock_workers SET alive_until = alive_until + INTERVAL '1' DAY")
_FORGET_RANGES = text("DELETE FROM penstock_ranges WHERE range_no > :last")


async def no_flags(connection: AsyncConnection, accepted: Sequence[Settlement]) -> bool:
    return True


class Bench:
    """One worker of one job, and how much of what its calls cost."""

    def __init__(self, databases: Databases, source: SqlSource, ledger: SqlLedger, job: Job, meter: Meter) -> None:
        self._databases = databases
        self._source = source
        self._ledger = ledger
        self._job = job
        self._meter = meter
        self._owner = new_owner()
        self._cursor: KeyText | None = None
        self._numbers = count(1)  # of keys that are no row's
        self._batch = 0
        self._window = 0

    async def measure(self) -> Calls:
        await self._join(self._owner)
        flags = writer_of(self._job, self._source.plan.flag, SystemClock())
        mark, desk = marker_of(flags, self._databases), desk_of(flags, self._databases)
        if mark is None or desk is None:
            raise AssertionError("the job has a flag, in the ledger's database")
        each = self._meter.each
        keys = await self._keys()
        cursor = await self._meter.cost(self._ledger.cursor)
        plan = await self._meter.cost(self._plan)
        lease = await self._plan()
        plan_ahead, take = await self._ahead(lease)
        look_up = await self._meter.cost(lambda: self._ledger.look_up([self._key() for _ in range(PAGE)]), calls=20)
        settle = line({rows: await each(self._settling(lease, rows, no_flags)) for rows in _ROWS})
        real = iter(keys)
        flagged = [await each(self._settling(lease, rows, mark, real), calls=10) for rows in (50, 450)]
        flags_cost = _less(line({50: flagged[0], 450: flagged[1]}), settle)
        nothing = await each(self._settling(lease, 0, None))
        finish = await self._finish(nothing)
        window = await self._meter.cost(lambda: self._open_window(lease))
        drop_window = await self._drop_window(lease, nothing)
        accepted = await self._accepted()
        marks = [Mark(key, "1") for key in keys[:500]]
        source_flags = await each(lambda: desk.mark(marks), calls=10)
        source_keys = await each(lambda: self._source.next_keys(keys[len(keys) // 2], SPAN))
        source_page = await each(lambda: self._page(keys))
        looks, counts, renew = {}, {}, {}
        for workers in _WORKERS:
            await self._grow_to(workers)
            looks[workers] = await each(self._take)
            counts[workers] = await each(self._ledger.counts)
            renew[workers] = await each(lambda: self._ledger.renew([], _LEASE, self._owner, _PULSE))
        counts_keys = await self._counts_keys(lease)
        return Calls(
            cursor=cursor,
            plan=plan,
            plan_ahead=plan_ahead,
            look=line(looks),
            take=take,
            look_up=_by(PAGE, look_up),
            settle=settle,
            flags=flags_cost,
            finish=finish,
            window=_by(WINDOW, window),
            drop_window=drop_window,
            renew=line(renew),
            counts=line(counts),
            counts_keys=counts_keys,
            accepted=accepted,
            source_keys=_by(SPAN, Cost(source_keys[0], source_keys[1] - source_keys[0])),
            source_page=_by(PAGE, Cost(source_page[0], source_page[1] - source_page[0])),
            source_flags=_by(len(marks), Cost(source_flags[0], source_flags[1] - source_flags[0])),
        )

    async def _join(self, owner: str) -> None:
        await self._ledger.join(identity_of(self._job, self._source.identity), owner, host_name(), os.getpid())

    def _key(self) -> KeyText:
        """Of a row that is not in the shop: behind all that are."""
        return str(1_000_000_000 + next(self._numbers))

    async def _keys(self) -> list[KeyText]:
        found: list[KeyText] = []
        upto = (await self._source.next_keys(None, 100_000_000)).last
        while upto is not None:
            page = await self._source.read_span(found[-1] if found else None, upto, PAGE)
            found += [row.key for row in page.rows]
            if page.at_end:
                break
        return found

    async def _plan(self, owner: str | None = None) -> Lease:
        upto = self._key()
        lease = await self._ledger.plan(self._cursor, upto, SPAN, owner or self._owner, _LEASE)
        if lease is None:
            raise AssertionError("nobody else moves the cursor")
        self._cursor = upto
        return lease

    async def _ahead(self, last: Lease) -> tuple[Cost, Cost]:
        """What planning ahead costs, and what leasing one of these ranges adds to a look. They are gone again afterwards."""
        plan_ahead = line({spans: await self._meter.each(self._planning_ahead(spans), calls=10) for spans in _SPANS})
        taking = await self._meter.each(self._take, calls=10)
        async with self._databases.ledger.writing() as connection:
            await connection.execute(_FORGET_RANGES, {"last": last.range_no})
        return plan_ahead, beyond(taking, await self._meter.each(self._take, calls=10))

    def _planning_ahead(self, spans: int) -> Callable[[], Awaitable[object]]:
        async def plan() -> None:
            keys = [self._cursor, *(self._key() for _ in range(spans))]
            ahead = [Span(after, str(upto), SPAN) for after, upto in pairwise(keys)]
            if len(await self._ledger.plan_ahead(ahead)) != spans:
                raise AssertionError("nobody else moves the cursor")
            self._cursor = keys[-1]

        return plan

    async def _take(self) -> Lease | None:
        return await self._ledger.lease(self._owner, _LEASE, _recall_nothing, nobody)

    def _settling(
        self, lease: Lease, rows: int, mark: FlagMarker | None, keys: Iterator[KeyText] | None = None
    ) -> Callable[[], Awaitable[None]]:
        """keys: of rows of the shop, where the mark is to find them."""

        async def settle() -> None:
            self._batch += 1
            settlements = [
                Settlement(
                    self._key() if keys is None else next(keys),
                    RowState.IMPORTED,
                    1,
                    201,
                    receipt="1",
                    fingerprint=123456789,
                )
                for _ in range(rows)
            ]
            await self._ledger.settle([Portion(lease, self._batch, settlements)], mark)

        return settle

    async def _finish(self, nothing: tuple[float, float]) -> Cost:
        async def finish(lease: Lease) -> None:
            await self._ledger.settle([Portion(lease, 1, remaining=0, finished=True)], None)

        leases = iter([await self._plan() for _ in range(ROUNDS * 20 + 1)])
        return beyond(await self._meter.each(lambda: finish(next(leases)), calls=20), nothing)

    async def _open_window(self, lease: Lease) -> None:
        self._window += 1
        keys = [WindowKey(self._key(), fingerprint=123456789) for _ in range(WINDOW)]
        await self._ledger.open_window(lease, self._window, keys, 1.0)

    async def _drop_window(self, lease: Lease, nothing: tuple[float, float]) -> Cost:
        windows = iter(range(1, self._window + 1))

        async def drop() -> None:
            self._batch += 1
            await self._ledger.settle([Portion(lease, self._batch, windows_done=[next(windows)])], None)

        cost = beyond(await self._meter.each(drop, calls=self._window // ROUNDS - 1), nothing)
        self._batch += 1
        await self._ledger.settle([Portion(lease, self._batch, windows_done=list(windows))], None)
        return cost

    async def _counts_keys(self, lease: Lease) -> Cost:
        """What everybody's open windows add to a look at the totals, for each of their keys."""
        seen: dict[int, tuple[float, float]] = {}
        client: dict[int, float] = {}
        for windows in (4, 40):
            opened = self._window
            while self._window < opened + windows:
                await self._open_window(lease)
            began = process_time()
            seen[windows * WINDOW] = await self._meter.each(self._ledger.counts, calls=4)
            client[windows * WINDOW] = (process_time() - began) / (4 * ROUNDS + 1)
            self._batch += 1
            done = list(range(opened + 1, self._window + 1))
            await self._ledger.settle([Portion(lease, self._batch, windows_done=done)], None)
        each = linear_regression(list(client), list(client.values())).slope
        return Cost(cpu=0.0, wait=0.0, cpu_each=line(seen).cpu_each, client_each=each)

    async def _accepted(self) -> Cost:
        """What the flags of a separate ledger cost that ledger: what is due is read, and ticked off."""
        rows = 500
        lease = await self._plan()
        settlements = [Settlement(self._key(), RowState.IMPORTED, 1, 201, receipt="1") for _ in range(rows)]
        await self._ledger.settle([Portion(lease, 1, settlements)], no_flags)

        async def look() -> None:
            await self._ledger.flags_due(100)
            await self._ledger.accepted(lease.range_no, None, rows)
            await self._ledger.flags_written(lease.range_no, 0)

        return _by(rows, await self._meter.cost(look, calls=10))

    async def _page(self, keys: Sequence[KeyText]) -> None:
        page = await self._source.read_span(keys[100], keys[100 + SPAN], PAGE)
        await self._source.flagged([row.key for row in page.rows])

    async def _grow_to(self, workers: int) -> None:
        """So many are alive, and each has a range."""
        control = (await self._ledger.renew([], _LEASE, self._owner, _PULSE))[1]
        for _ in range(workers - control.workers):
            owner = new_owner()
            await self._join(owner)
            await self._plan(owner)
        async with self._databases.ledger.writing() as connection:
            await connection.execute(_KEEP_ALIVE)


@asynccontextmanager
async def bench_of(job: Job, meter: Meter) -> AsyncIterator[Bench]:
    """The job's database must have been prepared."""
    async with open_databases(job) as databases:
        source = await open_source(job, databases.source)
        ledger = await open_ledger(databases.ledger, job.name)
        yield Bench(databases, source, ledger, job, meter)


def _recall_nothing(_owner: str, _range_no: int, _fence: int) -> Sequence[Settlement]:
    return ()


def _by(things: int, cost: Cost) -> Cost:
    """All of it is for the things."""
    return replace(cost, cpu=0.0, cpu_each=cost.cpu / things)


def _less(more: Cost, less: Cost) -> Cost:
    return Cost(
        cpu=max(0.0, more.cpu - less.cpu),
        wait=max(0.0, more.wait - less.wait),
        cpu_each=max(0.0, more.cpu_each - less.cpu_each),
    )
