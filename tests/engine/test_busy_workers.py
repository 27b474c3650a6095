"""Workers that die while all others have rows enough of their own: who is gone is taken over, what is open is left alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.engine.api import PATIENCE, Api, Asked, Reply, serving
from tests.engine.crew import ELSEWHERE, crew, stop_between_transactions
from tests.engine.migration import Migration, migration

from penstock.engine import planner
from penstock.engine.stop import Ended
from penstock.events import EventKind
from penstock.ledger.opening import open_ledger
from penstock.ledger.ranges import Lease, Portion, WindowKey
from penstock.ledger.states import RowState
from penstock.ledger.store import SqlLedger

LEASE = 6.0
LARGE_RANGES = "penstock.engine.planner.SPAN=999"
SPAN = 200
HELD = 4  # ranges of a worker whose wire stands still: the rows of one are to go out, of each of three a page waits


async def soon(asked: Asked) -> Reply:
    await asyncio.sleep(0.02)
    return asked.accepted


@pytest.mark.parametrize(
    ("ends", "by_broker"), [("killed", False), ("killed", True), ("frozen", False)], ids=["killed", "broker", "frozen"]
)
async def test_p24_a_worker_elsewhere_is_taken_over_within_its_lease_and_five_seconds_by_one_that_has_rows_enough(
    tmp_path: Path, mariadb_url: str, amqp_url: str, ends: str, by_broker: bool
) -> None:
    broker = amqp_url if by_broker else None
    async with (
        serving(soon) as api,
        migration(
            tmp_path,
            api,
            mariadb_url,
            rows=range(1, 10_001),
            concurrency=8,
            total="1s",
            lease=f"{LEASE:.0f}s",
            delivery="rate: 20/s",
        ) as job,
        crew(job, api) as workers,
    ):
        living = await workers.start(LARGE_RANGES, broker=broker)
        await workers.until_all_send(1)
        gone = await workers.start(LARGE_RANGES, ELSEWHERE, broker=broker)
        both = await workers.until(
            lambda alive: len(alive) == 2 and all(worker.ranges and worker.pulse.rows_per_second for worker in alive)
        )
        if ends == "killed":
            gone.kill()
        else:
            await stop_between_transactions(gone, job)
        [left] = [worker for worker in await workers.alive() if worker.pid == gone.pid]
        held = await leased_by(job, left.owner)
        while len(await job.events(EventKind.TAKE_OVER)) < len(held):
            await api.until_asked(len(api.asked) + 5)

        taken = await job.events(EventKind.TAKE_OVER)
        silent = [(event.at - left.seen_at).total_seconds() for event in taken]
        # A quarter of the lease may have passed since it was renewed.
        assert 0.75 * LEASE - 1.0 <= min(silent) <= max(silent) <= LEASE + 5.0
        assert {event.range_no for event in taken} == held
        # The living one has not come to the end of its first range, and has none of these.
        [mine] = [worker.owner for worker in both if worker.pid == living.pid]
        assert {event.owner for event in taken} == {mine}
        assert not held & await leased_by(job, mine)
        assert len(api.asked) < 999
        if ends == "frozen":
            gone.kill()


async def leased_by(job: Migration, owner: str) -> set[int]:
    return {
        int(str(number))
        for number, holder in await job.ask_ledger("SELECT range_no, owner FROM penstock_ranges WHERE state = 'leased'")
        if holder == owner
    }


async def test_what_was_left_is_open_at_once_and_what_was_open_stays_so_while_the_only_worker_has_rows_enough(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "SPAN", SPAN)
    rows, goes_on = range(1, 9 * SPAN + 1), asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        await goes_on.wait()
        return asked.accepted

    async with serving(answer) as api, migration(tmp_path, api, database_url, rows=rows, total="60s") as job:
        running = asyncio.create_task(job.run())
        await until(job, "SELECT COUNT(*) FROM penstock_ranges WHERE state = 'leased'", HELD)
        other = await open_ledger(job.ledger, "items")
        given_back = await planned(other, 60.0)
        left = await planned(other, 1.0)
        exposed = [int(left.after or 0) + number for number in (1, 2, 3)]
        await other.open_window(left, 1, [WindowKey(str(key)) for key in exposed], 0.0)
        await other.settle([Portion(given_back, 1, release=True)], None)

        await until(job, "SELECT COUNT(*) FROM penstock_events WHERE kind = 'take_over'", 1)

        assert await job.ask_ledger(
            f"SELECT state, owner, fence FROM penstock_ranges WHERE range_no = {left.range_no}"
        ) == [("open", None, 2)]
        assert await job.ask_ledger(
            f"SELECT state, owner, fence FROM penstock_ranges WHERE range_no = {given_back.range_no}"
        ) == [("open", None, 1)]
        assert await job.keys(RowState.IN_DOUBT) == set(exposed)
        assert len(api.asked) == api.in_flight, "it has rows enough"
        goes_on.set()
        summary = await running
        assert summary.ended is Ended.DONE
        await all_but(job, api, rows, set(exposed))
        assert len(await job.events(EventKind.TAKE_OVER)) == 1


async def all_but(job: Migration, api: Api, rows: range, in_doubt: set[int]) -> None:
    """Each row went out once, but for these, which stay in doubt."""
    assert sorted(api.orders) == [row for row in rows if row not in in_doubt]
    assert await job.keys(RowState.IMPORTED) == set(rows) - in_doubt
    assert await job.keys(RowState.IN_DOUBT) == in_doubt
    await job.check_counters()


async def planned(ledger: SqlLedger, seconds: float) -> Lease:
    """The next span, leased by a worker of which nothing more is heard."""
    cursor = await ledger.cursor()
    lease = await ledger.plan(cursor, str(int(cursor or 0) + SPAN), SPAN, "somebody", seconds)
    assert lease is not None, "nobody else plans"
    return lease


async def until(job: Migration, query: str, wanted: int) -> None:
    """Until the ledger answers with so much."""
    async with asyncio.timeout(PATIENCE):
        while int(str((await job.ask_ledger(query))[0][0])) != wanted:  # noqa: ASYNC110  the ledger rings no bell
            await asyncio.sleep(0.05)
