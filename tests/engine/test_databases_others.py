"""Other workers and people, who take ranges over, hold them, or move their rows, while a worker has its own at hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from tests.engine.api import PATIENCE, Asked, Reply, for_orders, serving
from tests.engine.migration import migration
from tests.engine.test_databases_sweep import until_a_heart_has_beaten
from tests.ledger.contract.bench import nobody, nothing

from penstock.engine.report import RunOptions
from penstock.engine.stop import Ended
from penstock.events import EventKind
from penstock.ledger.opening import open_ledger
from penstock.ledger.ranges import Portion
from penstock.ledger.rows import Selection
from penstock.ledger.states import RowState
from penstock.wiring import open_people_desk

FAILED = Selection(frozenset({RowState.FAILED}))
OTHER, SECONDS = "other", 60.0


async def test_p8_an_answer_that_comes_when_its_range_is_known_to_be_lost_settles_the_doubt(
    tmp_path: Path, database_url: str
) -> None:
    taken = asyncio.Event()

    async def late() -> set[str | None]:
        return {event.key for event in await job.events(EventKind.LATE_ANSWER)}

    async with serving() as api, migration(tmp_path, api, database_url, concurrency=2) as job:

        async def answer(asked: Asked) -> Reply:
            if asked.order == 2 and asked.attempt == 1:
                await api.until(lambda: 3 in api.orders)
                other = await open_ledger(job.ledger, "items")
                # As if this worker had stood still. (One that is proven dead is forgotten, and its next heartbeat ends its run.)
                await job.change_ledger("UPDATE penstock_ranges SET lease_until = '2001-01-01 00:00:00.000'")
                lease = await other.lease(OTHER, SECONDS, nothing, nobody)
                assert lease is not None
                taken.set()
                async with asyncio.timeout(PATIENCE):
                    while "3" not in await late():  # then the worker has heard that its range is another's
                        pass
                await other.settle([Portion(lease, lease.batch + 1, release=True)], None)
            if asked.order == 3:
                await taken.wait()
            return asked.accepted

        api.script = answer
        report = await job.run()
        assert (report.ended, report.counts.imported) == (Ended.DONE, 10)
        assert sorted(api.orders) == list(range(1, 11))
        assert {"2", "3"} <= await late()
        await job.check_counters()


async def test_a_row_that_waits_in_another_range_is_sent_from_there_alone(tmp_path: Path, database_url: str) -> None:
    async with (
        serving(for_orders({2: Reply(422)})) as api,
        migration(tmp_path, api, database_url, concurrency=1) as job,
    ):
        await job.run(RunOptions(limit=3))
        assert await job.keys(RowState.FAILED) == {2}
        async with open_people_desk(job.job) as desk:
            await desk.retry(FAILED, renew_keys=False)
        api.script = for_orders({})
        report = await job.run()
        assert (report.ended, report.counts.imported) == (Ended.DONE, 10)
        assert Counter(api.orders) == Counter([*range(1, 11), 2])
        assert await job.events(EventKind.SENT_TWICE) == []
        await job.check_counters()


async def test_a_run_does_not_end_while_another_worker_holds_rows(tmp_path: Path, database_url: str) -> None:
    async with (
        serving(for_orders({2: Reply(422)})) as api,
        migration(tmp_path, api, database_url) as job,
    ):
        await job.run()
        async with open_people_desk(job.job) as desk:
            await desk.retry(FAILED, renew_keys=False)
        api.script = for_orders({})
        other = await open_ledger(job.ledger, "items")
        held = await other.lease(OTHER, SECONDS, nothing, nobody)
        assert held is not None
        run = asyncio.create_task(job.run())
        await until_a_heart_has_beaten(job, 3)  # by then it has swept, and found nothing
        await other.settle([Portion(held, held.batch + 1, release=True)], None)
        report = await run
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 10, 0)
        await job.check_counters()
