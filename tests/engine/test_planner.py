"""How many ranges a worker makes of the keys behind the cursor: one for itself, or several for all when it came too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from random import Random

import pytest
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    SECONDS,
    Bench,
    bench_at,
    close,
    imported,
    last_portion,
    marked,
    nobody,
    nothing,
)

from penstock.engine.planner import MOST_AHEAD, SPAN, Planner, span_at, walk
from penstock.engine.stop import Stop
from penstock.errors import LedgerUnreachable
from penstock.ledger.ranges import Free, Lease, RangeKind, Span
from penstock.ledger.store import SqlLedger
from penstock.rows import KeyText
from penstock.source.base import KeyPage


class Numbers:
    """The keys 1, 2, ... of a table of so many rows."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    async def next_keys(self, after: KeyText | None, limit: int) -> KeyPage:
        behind = int(after or 0)
        keys = min(limit, self.rows - behind)
        return KeyPage(str(behind + keys) if keys else None, keys, at_end=keys < limit)


class Overtaken:
    """A ledger in which something else happens before each of these tries to plan, by the number of the try."""

    def __init__(self, ledger: SqlLedger, meanwhile: dict[int, Callable[[], Awaitable[object]]]) -> None:
        self._ledger = ledger
        self._meanwhile = meanwhile
        self.tries: list[int] = []  # spans of each

    async def cursor(self) -> KeyText | None:
        return await self._ledger.cursor()

    async def plan(self, after: KeyText | None, upto: KeyText, keys: int, owner: str, seconds: float) -> Lease | None:
        await self._begin(1)
        return await self._ledger.plan(after, upto, keys, owner, seconds)

    async def plan_ahead(self, spans: Sequence[Span]) -> Sequence[Free]:
        await self._begin(len(spans))
        return await self._ledger.plan_ahead(spans)

    async def _begin(self, spans: int) -> None:
        self.tries.append(spans)
        if (meanwhile := self._meanwhile.get(len(self.tries))) is not None:
            await meanwhile()


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    bench = await bench_at(database_url)
    yield bench
    await close(bench)


def planner(
    ledger: SqlLedger | Overtaken,
    keys: Numbers,
    *,
    workers: int,
    stop: Stop | None = None,
    owner: str = ALICE,
    speed: float = 0.0,
) -> Planner:
    return Planner(
        keys,
        ledger,
        stop or Stop(),
        Random(1),
        owner=owner,
        lease=SECONDS,
        workers=lambda: workers,
        speed=lambda: speed,
    )


def bob_plans(bench: Bench, keys: Numbers, spans: int = 1) -> Callable[[], Awaitable[object]]:
    async def plan() -> None:
        ahead, _ = await walk(keys, await bench.bob.cursor(), SPAN, spans, Stop())
        for span in ahead:
            assert await bench.bob.plan(*span, BOB, SECONDS)

    return plan


async def spans_of(bench: Bench) -> list[tuple[int, int]]:
    """Of all ranges, by number: behind which key each begins, at which it ends."""
    found = await bench.sql("SELECT after_key, upto_key FROM penstock_ranges WHERE kind = 'span' ORDER BY range_no")
    return [(int(str(after or 0)), int(str(upto))) for after, upto in found]


def up_to(rows: int) -> list[tuple[int, int]]:
    return [(after, min(after + SPAN, rows)) for after in range(0, rows, SPAN)]


async def state_counts(bench: Bench) -> dict[str, int]:
    return {
        str(state): int(str(count))
        for state, count in await bench.sql("SELECT state, COUNT(*) FROM penstock_ranges GROUP BY state")
    }


async def test_a_worker_that_meets_nobody_plans_the_one_span_that_it_leases(bench: Bench) -> None:
    ledger = Overtaken(bench.alice, {})
    it = planner(ledger, Numbers(3 * SPAN + 5), workers=8)

    leases = [await it.plan() for _ in range(4)]

    assert [lease and lease.range_no for lease in leases] == [1, 2, 3, 4]
    assert ledger.tries == [1, 1, 1, 1]
    assert it.has_planned_all
    assert await state_counts(bench) == {"leased": 4}
    assert await spans_of(bench) == up_to(3 * SPAN + 5)


async def test_a_fast_worker_plans_spans_of_several_pages(bench: Bench) -> None:
    """What it delivers within a quarter of a second, and no more than four pages; the last page of each is not full."""
    speeds = [0.0, 3_000.0, 8_000.0, 15_900.0, 16_000.0, 1_000_000.0]
    assert [span_at(speed) for speed in speeds] == [999, 999, 1999, 2999, 3999, 3999]
    keys = Numbers(10_000)
    it = planner(bench.alice, keys, workers=1, speed=8_000.0)

    while not it.has_planned_all:
        assert await it.plan()

    assert await spans_of(bench) == [(after, min(after + 1999, 10_000)) for after in range(0, 10_000, 1999)]


async def test_whoever_came_too_late_plans_one_for_each_worker_few_first(bench: Bench) -> None:
    keys = Numbers(100 * SPAN)
    ledger = Overtaken(bench.alice, {1: bob_plans(bench, keys)})
    it = planner(ledger, keys, workers=9)

    assert await it.plan() is None
    assert it.has_news
    assert await it.plan() is None
    assert (it.has_news, it.has_planned_all) == (True, False)

    assert ledger.tries == [1, 2, 2, 4, 1]
    assert await state_counts(bench) == {"leased": 1, "open": 9}
    assert await spans_of(bench) == up_to(10 * SPAN)
    for _ in range(9):
        assert await bench.alice.lease(ALICE, SECONDS, nothing, nobody)
    assert await it.plan(), "it met nobody this time"
    assert ledger.tries[-1] == 1
    assert await state_counts(bench) == {"leased": 11}


async def test_nobody_plans_more_ahead_than_can_be_read_soon(bench: Bench) -> None:
    keys = Numbers(2 * MOST_AHEAD * SPAN)
    it = planner(Overtaken(bench.alice, {1: bob_plans(bench, keys)}), keys, workers=MOST_AHEAD + 1)
    await it.plan()
    await it.plan()

    assert (await state_counts(bench))["open"] == MOST_AHEAD


async def test_a_run_that_plans_for_itself_alone_plans_one_again_when_it_came_too_late(bench: Bench) -> None:
    keys = Numbers(100 * SPAN)
    ledger = Overtaken(bench.alice, {1: bob_plans(bench, keys)})
    it = planner(ledger, keys, workers=1)

    assert await it.plan() is None
    assert it.has_news
    assert await it.plan()

    assert ledger.tries == [1, 1]
    assert await state_counts(bench) == {"leased": 2}


async def test_what_others_plan_while_it_reads_keys_ahead_is_not_planned_twice(bench: Bench) -> None:
    keys = Numbers(100 * SPAN)
    ledger = Overtaken(
        bench.alice, {1: bob_plans(bench, keys), 2: bob_plans(bench, keys), 3: bob_plans(bench, keys, 2)}
    )
    it = planner(ledger, keys, workers=9)

    await it.plan()
    assert await it.plan() is None
    assert it.has_news

    assert ledger.tries == [1, 2, 2], "of the second try one span was left, of the third none: the others go on"
    assert await state_counts(bench) == {"leased": 4, "open": 1}
    assert await spans_of(bench) == up_to(5 * SPAN)


async def test_planning_ahead_ends_where_the_table_does(bench: Bench) -> None:
    keys = Numbers(5 * SPAN + 7)
    it = planner(Overtaken(bench.alice, {1: bob_plans(bench, keys)}), keys, workers=50)

    await it.plan()
    assert await it.plan() is None

    assert (it.has_planned_all, it.has_news) == (True, True)
    assert await spans_of(bench) == up_to(5 * SPAN + 7)
    assert (await bench.alice.counts()).pending == 5 * SPAN + 7


async def test_a_table_of_which_others_have_planned_the_rest_meanwhile_is_planned(bench: Bench) -> None:
    keys = Numbers(2 * SPAN)
    it = planner(Overtaken(bench.alice, {1: bob_plans(bench, keys, 2)}), keys, workers=5)

    assert await it.plan() is None
    assert not it.has_planned_all, "it has not seen the end"
    assert await it.plan() is None

    assert (it.has_planned_all, it.has_news) == (True, False)
    assert await spans_of(bench) == up_to(2 * SPAN)


@pytest.mark.parametrize("ahead", [False, True])
async def test_while_a_sweep_walks_nothing_is_planned_and_there_is_no_news(bench: Bench, ahead: bool) -> None:
    keys = Numbers(9 * SPAN)

    async def sweep() -> None:
        if lease := await bench.bob.lease(BOB, SECONDS, nothing, nobody):
            await bench.bob.settle([last_portion(lease, 1, imported("1"))], marked)
        assert await bench.bob.start_sweep(BOB, SECONDS)

    ledger = Overtaken(bench.alice, {1: sweep})
    it = planner(ledger, keys, workers=5)
    if ahead:
        ledger = Overtaken(bench.alice, {1: lambda: bench.bob.plan_ahead([Span(None, str(SPAN), SPAN)]), 2: sweep})
        it = planner(ledger, keys, workers=5)
        assert await it.plan() is None

    assert await it.plan() is None

    assert (it.has_news, it.has_planned_all) == (False, False)
    assert ledger.tries[-1] == (2 if ahead else 1)
    assert await state_counts(bench) == ({"done": 1, "leased": 1} if ahead else {"leased": 1})


async def test_asked_to_stop_it_plans_no_further(bench: Bench) -> None:
    keys, stop = Numbers(100 * SPAN), Stop()

    async def ask_to_stop() -> None:
        stop.drain()

    ledger = Overtaken(bench.alice, {1: bob_plans(bench, keys), 2: ask_to_stop})
    it = planner(ledger, keys, workers=64, stop=stop)

    await it.plan()
    await it.plan()

    assert ledger.tries == [1, 2]
    assert len((await walk(keys, None, SPAN, 10, stop))[0]) == 1


async def test_an_end_that_could_not_be_written_down_is_looked_for_again(bench: Bench) -> None:
    async def vanish() -> None:
        raise LedgerUnreachable("gone")

    it = planner(Overtaken(bench.alice, {1: vanish}), Numbers(5), workers=1)

    with pytest.raises(LedgerUnreachable):
        await it.plan()

    assert not it.has_planned_all
    lease = await it.plan()
    assert lease is not None
    assert (lease.kind, lease.upto, it.has_planned_all) == (RangeKind.SPAN, "5", True)


async def test_of_many_that_plan_at_once_each_gets_ranges_and_each_span_is_planned_once(bench: Bench) -> None:
    keys, workers, wanted = Numbers(1000 * SPAN), 6, 5

    async def work(ledger: SqlLedger, owner: str) -> int:
        it = planner(ledger, keys, workers=workers, owner=owner)
        had = 0
        while had < wanted:
            had += bool(await ledger.lease(owner, SECONDS, nothing, nobody) or await it.plan())
        return had

    async with asyncio.TaskGroup() as group:
        for number in range(workers):
            group.create_task(work(bench.bob if number % 2 else bench.alice, f"worker {number}"))

    owned = await bench.sql("SELECT owner, COUNT(*) FROM penstock_ranges WHERE state = 'leased' GROUP BY owner")
    assert sorted(owned) == [(f"worker {number}", wanted) for number in range(workers)]
    spans = await spans_of(bench)
    assert spans == up_to(len(spans) * SPAN)
