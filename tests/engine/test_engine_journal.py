"""The local journal: one that cannot be written stops nothing, and one that can be read late still tells."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tests.engine.api import Asked, Reply, serving
from tests.engine.looks import Looks
from tests.engine.shop import Shop, open_shop

from penstock.database.connect import open_database
from penstock.engine.owner import new_owner
from penstock.engine.report import RunOptions
from penstock.engine.stop import Ended
from penstock.events import EventKind
from penstock.ledger.journal import Journal
from penstock.ledger.opening import open_ledger
from penstock.ledger.ranges import Lease, WindowKey
from penstock.ledger.rows import Selection, Settlement
from penstock.ledger.states import RowState
from penstock.wiring import open_people_desk

NOT_SENT, ARRIVED, ON_THE_WIRE, DOUBTED = "2", "3", "4", "5"
SECONDS = 60.0


async def test_p11_a_journal_that_cannot_be_written_is_shown_and_noted_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / ".penstock").touch()  # where its folder should be
    looks, is_seen = Looks(), asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        await is_seen.wait()
        return asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=12)
        run = asyncio.create_task(shop.run(show=looks.see))
        seen = await looks.until(lambda progress: progress.trouble != "")
        is_seen.set()
        report = await run
    assert seen.trouble.startswith("answers are not written down in ")
    assert (report.ended, report.counts.imported) == (Ended.DONE, 12)
    [event] = await shop.events(EventKind.JOURNAL_FAILED)
    assert event.detail == seen.trouble


def nothing(_owner: str, _range_no: int, _fence: int) -> Sequence[Settlement]:
    return ()


async def stood_still(shop: Shop, folder: Path) -> Journal:
    """A worker has had rows 2 to 5 in a window, and has not been heard of since. Its journal, which nobody may read as long as it
    is open: as long as the worker lives."""
    await shop.run(RunOptions(limit=1))
    owner = new_owner()
    ledger = await open_ledger(open_database(shop.job.source.url, folder=str(folder)), shop.job.name)
    try:
        lease = await ledger.lease(owner, SECONDS, nothing, lambda _: False)
        assert lease is not None
        keys = [NOT_SENT, ARRIVED, ON_THE_WIRE, DOUBTED]
        await ledger.open_window(lease, 1, [WindowKey(key) for key in keys], 1.0)
    finally:
        await ledger.aclose()
    await shop.change("UPDATE penstock_ranges SET lease_until = '2001-01-01 00:00:00.000'")
    return written(folder, owner, lease, keys)


def written(folder: Path, owner: str, lease: Lease, keys: Sequence[str]) -> Journal:
    journal = Journal(folder / ".penstock", "orders", owner)
    journal.hold_back(lease.range_no, lease.fence, keys)
    for key in (ARRIVED, ON_THE_WIRE, DOUBTED):
        journal.withdraw(lease.range_no, [key])
    journal.append(lease.range_no, lease.fence, [Settlement(ARRIVED, RowState.IMPORTED, 1, 201, receipt="3")])
    journal.append(lease.range_no, lease.fence, [Settlement(DOUBTED, RowState.IN_DOUBT, 1, 500, "answered 500")])
    journal.flush()
    return journal


async def test_p7_what_a_worker_knew_that_never_went_on_is_told_at_the_start_of_the_next_run(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=7)
        journal = await stood_still(shop, tmp_path)
        taken = await shop.run()
        assert await shop.keys(RowState.IN_DOUBT) == {2, 3, 4, 5}
        assert taken.counts.imported == 3
        journal.close()
        await shop.change("INSERT INTO orders (id, name, amount) VALUES (8, 'order 8', 80)")
        shop.rows = 8
        in_doubt: set[int] = set()

        async def answer(asked: Asked) -> Reply:
            if asked.order == 8:
                in_doubt.update(await shop.keys(RowState.IN_DOUBT))
            return asked.accepted

        api.script = answer
        report = await shop.run()
        assert (report.ended, sorted(api.orders)) == (Ended.DONE, [1, 2, 6, 7, 8])
        assert in_doubt == await shop.keys(RowState.IN_DOUBT) == {4, 5}
        assert (await shop.row(ARRIVED)).receipt == "3"


async def test_p7_what_a_worker_knew_that_was_killed_meanwhile_is_told_before_the_run_ends(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=7)
        journal = await stood_still(shop, tmp_path)

        async def answer(asked: Asked) -> Reply:
            if asked.order == 7:
                journal.close()
            return asked.accepted

        api.script = answer
        report = await shop.run()
    assert (report.ended, sorted(api.orders)) == (Ended.DONE, [1, 2, 6, 7])
    assert (report.counts.imported, report.counts.in_doubt) == (5, 2)


async def test_a_row_that_an_answer_left_in_doubt_is_not_told_again(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=7)
        journal = await stood_still(shop, tmp_path)
        await shop.run()
        journal.close()
        await shop.run()
        await shop.run()
    assert sorted(str(event.key) for event in await shop.events(EventKind.LATE_ANSWER)) == [NOT_SENT, ARRIVED]


async def test_what_a_person_decided_meanwhile_stays(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=7)
        journal = await stood_still(shop, tmp_path)
        await shop.run()
        async with open_people_desk(shop.job) as desk:
            chosen = Selection(frozenset({RowState.IN_DOUBT}), [ARRIVED])
            assert await desk.resolve(chosen, RowState.FAILED, receipt=None, note="asked them") == 1
        journal.close()
        await shop.run()
    assert (await shop.row(ARRIVED)).state is RowState.FAILED
    assert await shop.events(EventKind.SENT_TWICE) == []
