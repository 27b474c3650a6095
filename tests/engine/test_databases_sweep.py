"""The source goes on living while it is read: rows come and go, before and behind the cursor."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path

import pytest
from tests.engine.api import PATIENCE, Asked, Reply, for_orders, serving
from tests.engine.migration import Migration, migration

from penstock.engine import planner
from penstock.engine.stop import Ended, Stop
from penstock.engine.sweep import FOUND_BY_SWEEP
from penstock.ledger.opening import open_ledger
from penstock.ledger.rows import Selection
from penstock.ledger.states import RowState
from penstock.wiring import open_people_desk

THROTTLED = Reply(429, headers={"Retry-After": "60"})


async def until_a_heart_has_beaten(job: Migration, times: int) -> None:
    beats: set[object] = set()
    async with asyncio.timeout(PATIENCE):
        while len(beats) < times:
            beats.update(await job.ask_ledger("SELECT seen_at FROM penstock_workers"))


async def test_rows_that_arrive_behind_the_cursor_are_delivered_in_the_same_run(
    tmp_path: Path, database_url: str
) -> None:
    async with serving() as api, migration(tmp_path, api, database_url, rows=range(10, 40, 10)) as job:

        async def answer(asked: Asked) -> Reply:
            if asked.number == 1:
                await job.add([5, 15, 35])
            return asked.accepted

        api.script = answer
        report = await job.run()
        assert (report.ended, report.counts.pending) == (Ended.DONE, 0)
        assert sorted(api.orders) == [5, 10, 15, 20, 30, 35]
        assert await job.keys(RowState.IMPORTED) == await job.flagged() == {5, 10, 15, 20, 30, 35}
        await job.check_counters()


async def test_rows_that_arrive_between_two_pages_are_delivered_once(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "SPAN", 4)
    async with serving() as api, migration(tmp_path, api, database_url, rows=range(2, 80, 2)) as job:

        async def answer(asked: Asked) -> Reply:
            await job.add([asked.order + 1] if asked.order % 2 == 0 else [])
            return asked.accepted

        api.script = answer
        report = await job.run()
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 78, 0)
        assert sorted(api.orders) == list(range(2, 80))
        await job.check_counters()


async def test_a_source_that_grows_with_every_request_does_not_keep_the_run_from_ending(
    tmp_path: Path, database_url: str
) -> None:
    async with serving() as api, migration(tmp_path, api, database_url, rows=[1000]) as job:
        behind, ahead = count(999, -1), count(1001)

        async def answer(asked: Asked) -> Reply:
            await job.add([next(behind), next(ahead)])
            return asked.accepted

        api.script = answer
        assert (await job.run()).ended is Ended.DONE
        left = {int(str(key)) for (key,) in await job.ask("SELECT id FROM items")} - await job.keys(RowState.IMPORTED)
        assert left, "nothing was left for the next run: this source did not grow without end"
        await job.check_counters()

        async def accept(asked: Asked) -> Reply:
            return asked.accepted

        api.script = accept
        assert (await job.run()).counts.pending == 0
        assert await job.keys(RowState.IMPORTED) == set(api.orders)
        assert len(set(api.orders)) == len(api.orders)


async def test_rows_that_arrive_while_another_worker_sweeps_are_sent_once(tmp_path: Path, database_url: str) -> None:
    """Who comes to a job while its closing sweep walks finds rows behind the cursor, and so does the sweep."""
    async with serving() as api, migration(tmp_path, api, database_url) as job:
        assert (await job.run()).ended is Ended.DONE
        other = await open_ledger(job.ledger, "items")
        before, sweep = await other.last_sweep(), await other.start_sweep("other", 60.0)
        assert sweep is not None
        await job.add([11, 12])

        async def answer(asked: Asked) -> Reply:
            if await other.last_sweep() == before:  # a sweep that comes by while they are on the wire
                await other.add_keys(["11", "12"], lease=sweep, reason=FOUND_BY_SWEEP)
            return asked.accepted

        api.script = answer
        run = asyncio.create_task(job.run())
        await until_a_heart_has_beaten(job, 3)  # by then it would have sent what it planned
        await other.add_keys(["11", "12"], lease=sweep, reason=FOUND_BY_SWEEP)
        await other.finish_sweep(sweep, 2)
        report = await run
        assert (report.ended, report.counts.imported) == (Ended.DONE, 12)
        assert sorted(api.orders) == list(range(1, 13))
        await job.check_counters()


async def test_a_row_that_leaves_the_query_while_it_waits_to_be_tried_again_is_skipped(
    tmp_path: Path, database_url: str
) -> None:
    async with (
        serving(for_orders({3: Reply(422)})) as api,
        migration(tmp_path, api, database_url) as job,
    ):
        assert (await job.run()).counts.failed == 1
        async with open_people_desk(job.job) as desk:
            await desk.retry(Selection(frozenset({RowState.FAILED})), renew_keys=False)
        await job.change("DELETE FROM items WHERE id = 3")
        report = await job.run()
        assert (report.counts.imported, report.counts.skipped, report.counts.pending) == (9, 1, 0)
        assert (await job.rows())[3].reason == "gone from the query"
        assert api.orders.count(3) == 1
        await job.check_counters()


async def test_a_row_that_leaves_the_query_between_two_runs_of_its_span_is_skipped(
    tmp_path: Path, database_url: str
) -> None:
    """It went out, was not accepted for now, and waits in a span that nobody has finished."""
    stop = Stop()
    async with serving() as api, migration(tmp_path, api, database_url, concurrency=1) as job:

        async def answer(asked: Asked) -> Reply:
            if asked.number < 3:
                return asked.accepted
            stop.drain()
            return THROTTLED

        api.script = answer
        await job.run(stop=stop)
        [throttled] = await job.keys(RowState.PENDING)
        await job.change(f"DELETE FROM items WHERE id = {throttled}")

        async def accept(asked: Asked) -> Reply:
            return asked.accepted

        api.script = accept
        report = await job.run()
        assert (report.counts.imported, report.counts.skipped, report.counts.pending) == (9, 1, 0)
        assert (await job.rows())[throttled].reason == "gone from the query"
        await job.check_counters()
