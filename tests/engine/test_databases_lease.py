"""Workers that lost their lease while rows were on the wire, and those that took over."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, serving
from tests.engine.crew import stop_between_transactions
from tests.engine.migration import migration
from tests.engine.proxy import proxy_to

from penstock.engine.report import Summary
from penstock.engine.stop import Ended
from penstock.events import EventKind
from penstock.ledger.states import RowState

ROWS = range(1, 101)
CONCURRENCY = 4
CUT_AT = 20  # the request at which the first worker loses sight of the ledger
# As short as can be: nobody waits long for a worker that is gone.
TOTAL, LEASE = "1s", "3001ms"


async def test_a_worker_whose_fence_was_passed_settles_nothing(tmp_path: Path, database_url: str) -> None:
    async with serving() as api, migration(tmp_path, api, database_url, total=TOTAL, lease=LEASE) as job:

        async def answer(asked: Asked) -> Reply:
            if asked.number == 1:
                await job.change(
                    "UPDATE penstock_ranges SET fence = fence + 1, owner = 'another' WHERE state = 'leased'"
                )
            return asked.accepted

        api.script = answer
        report = await job.run()
        # Its answers are for a range that is not its own; whoever takes that over finds the window of an older fence.
        assert len(api.orders) == len(set(api.orders))
        assert (report.ended, report.counts.imported, report.counts.in_doubt) == (Ended.DONE, 0, 10)
        assert await job.flagged() == set()
        assert len(await job.events(EventKind.TAKE_OVER)) == 1
        await job.check_counters()


async def test_p8_answers_that_come_after_a_take_over_settle_what_was_in_doubt(
    tmp_path: Path, server_url: str, sqlite_url: str
) -> None:
    """One worker cannot reach the ledger for longer than its lease; another one can."""
    async with (
        serving() as api,
        proxy_to(server_url) as proxy,
        migration(
            tmp_path,
            api,
            sqlite_url,
            rows=ROWS,
            ledger=server_url,
            ledger_through=proxy,
            total=TOTAL,
            lease=LEASE,
            delivery="max_in_doubt: 12",
        ) as job,
    ):

        async def answer(asked: Asked) -> Reply:
            if asked.number == CUT_AT:
                proxy.cut()
            return asked.accepted

        api.script = answer
        late = asyncio.create_task(job.run())
        await proxy.until_turned_away(1)
        report = await job.run_directly()
        assert report.ended is Ended.DONE
        doubtful = await job.keys(RowState.IN_DOUBT)
        assert 1 <= len(doubtful) <= 12
        known = doubtful & set(api.orders)
        proxy.heal()
        await late
        assert len(api.orders) == len(set(api.orders))
        assert await job.keys(RowState.IMPORTED) == await job.flagged() == set(api.orders)
        assert known <= {int(event.key or 0) for event in await job.events(EventKind.LATE_ANSWER)}
        assert await job.events(EventKind.SENT_TWICE) == []
        await job.check_counters()


async def test_an_idempotent_job_sends_again_with_the_same_key_and_drops_late_answers(
    tmp_path: Path, server_url: str, sqlite_url: str
) -> None:
    async with (
        serving() as api,
        proxy_to(server_url) as proxy,
        migration(
            tmp_path,
            api,
            sqlite_url,
            rows=ROWS,
            ledger=server_url,
            ledger_through=proxy,
            total=TOTAL,
            lease=LEASE,
            idempotent=True,
        ) as job,
    ):

        async def answer(asked: Asked) -> Reply:
            if asked.number == CUT_AT:
                proxy.cut()
            return asked.accepted

        api.script = answer
        late = asyncio.create_task(job.run())
        await proxy.until_turned_away(1)
        report = await job.run_directly()
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, len(ROWS), 0)
        proxy.heal()
        await late
        assert len(api.orders) > len(ROWS)
        for order in ROWS:
            assert len({asked.idempotency_key for asked in api.of(order)}) == 1
        assert await job.keys(RowState.IMPORTED) == await job.flagged() == set(ROWS)
        await job.check_counters()


_HOURS = {
    "mysql": "{column} {sign} INTERVAL 1 HOUR",
    "postgresql": "{column} {sign} INTERVAL '1 hour'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', {column}, '{sign}1 hour')",
}


@pytest.mark.parametrize("sign", ["-", "+"], ids=["forward", "back"])
async def test_s27_a_jump_of_the_databases_clock_has_nothing_sent_twice(
    tmp_path: Path, database_url: str, sign: str
) -> None:
    """Nobody may set the clock of the tests' servers: all that the ledger timed by it is an hour off instead, as after a jump."""
    hours = _HOURS[database_url.partition(":")[0]]
    jump = [
        f"UPDATE {table} SET {column} = {hours.format(column=column, sign=sign)}"
        for table, column in (("penstock_ranges", "lease_until"), ("penstock_workers", "alive_until"))
    ]
    async with (
        serving() as api,
        migration(tmp_path, api, database_url, rows=ROWS, concurrency=CONCURRENCY, total=TOTAL, lease=LEASE) as job,
    ):
        others: list[Summary] = []

        async def answer(asked: Asked) -> Reply:
            if asked.number == CUT_AT:
                await job.change(*jump)
                others.append(await job.run())  # a second worker, which takes what is free
            return asked.accepted

        api.script = answer
        first = await job.run()
        last = await job.run()
        assert {first.ended, last.ended, *(other.ended for other in others)} == {Ended.DONE}
        assert sorted(api.orders) == list(ROWS)
        assert last.counts.pending == 0
        # Forward: taken over, unless the first worker's heartbeat came before the second worker looked, and renewed its lease.
        assert sign == "-" or await job.events(EventKind.TAKE_OVER) == []
        assert await job.keys(RowState.IMPORTED) == await job.flagged() == set(ROWS) - await job.keys(RowState.IN_DOUBT)
        assert await job.events(EventKind.SENT_TWICE) == []
        await job.check_counters()


@pytest.mark.parametrize("ledger", [None, "sqlite:///ledger.db"], ids=["beside", "elsewhere"])
async def test_p7_p15_a_worker_that_was_stopped_while_another_took_over_sends_and_overwrites_nothing(
    tmp_path: Path, database_url: str, ledger: str | None
) -> None:
    """As a machine does that is suspended, with rows on the wire."""
    async with (
        serving() as api,
        migration(
            tmp_path, api, database_url, rows=ROWS, ledger=ledger, concurrency=CONCURRENCY, total=TOTAL, lease=LEASE
        ) as job,
    ):
        stopped = asyncio.Event()

        async def answer(asked: Asked) -> Reply:
            if asked.number == CUT_AT:
                await stop_between_transactions(worker, job)
                stopped.set()
            return asked.accepted

        api.script = answer
        worker = await job.start()
        await stopped.wait()
        report = await job.run()
        assert report.ended is Ended.DONE
        before = await job.rows()
        worker.send_signal(signal.SIGCONT)
        assert await worker.wait() in (0, 1)
        # It knew what had been answered, and what of its windows had not gone out: that was pending again, and is delivered.
        assert sorted(api.orders) == list(ROWS)
        rows = await job.rows()
        assert all(rows[key] == row for key, row in before.items() if row.state is RowState.IMPORTED)
        still_in_doubt = await job.keys(RowState.IN_DOUBT)
        assert len(still_in_doubt) <= CONCURRENCY  # what was on the wire: its answers were read too late
        assert await job.keys(RowState.IMPORTED) == await job.flagged() == set(ROWS) - still_in_doubt
        assert await job.events(EventKind.SENT_TWICE) == []
        await job.check_counters()
