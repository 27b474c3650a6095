"""Clocks that are wrong or that jump: the API's, this machine's; and an API that takes longer than a lease lasts."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, serving
from tests.engine.migration import migration
from tests.engine.shop import open_shop

from penstock.clock import SystemClock
from penstock.engine.stop import Ended
from penstock.events import EventKind
from penstock.ledger.states import RowState

ONCE = Counter(range(1, 21))


@pytest.mark.parametrize("date", ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 2999 23:59:59 GMT", "yesterday"])
async def test_h55_the_date_that_an_api_tells_changes_nothing(tmp_path: Path, date: str) -> None:
    async def answer(asked: Asked) -> Reply:
        if asked.number == 3:  # a moment that has passed long ago by this machine's clock
            return Reply(429, headers={"Date": date, "Retry-After": "Thu, 01 Jan 1970 01:00:00 GMT"})
        return replace(asked.accepted, headers={"Date": date, "Age": "86400", "Expires": "0"})

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=20)
        report = await shop.run()
    assert (report.ended, report.counts.imported) == (Ended.DONE, 20)
    assert (report.tally.sent, report.tally.attempts) == (20, 21)


async def test_p14_a_wall_clock_that_jumps_by_days_changes_neither_waits_nor_rates_nor_leases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = cycle([0, 1, -1, 400, -400])

    def now(_clock: SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(days=next(days))

    monkeypatch.setattr(SystemClock, "now", now)

    async def answer(asked: Asked) -> Reply:
        return Reply(500) if asked.attempt == 1 and asked.order % 5 == 0 else asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=20, target="idempotent: true", delivery="rate: 50/s")
        report = await asyncio.wait_for(shop.run(), timeout=20)
    assert (report.ended, report.counts.imported) == (Ended.DONE, 20)
    assert Counter(api.orders) == ONCE + Counter([5, 10, 15, 20])
    assert api.asked[-1].at - api.asked[0].at >= 0.3  # 24 requests at 50/s, the first five of them at once


async def test_h54_while_an_api_takes_longer_than_a_lease_its_range_stays_with_its_worker(
    tmp_path: Path, sqlite_url: str
) -> None:
    leases: set[object] = set()
    async with (
        serving() as api,
        migration(tmp_path, api, sqlite_url, rows=range(1, 21), concurrency=1, total="2s", lease="5001ms") as job,
    ):

        async def answer(asked: Asked) -> Reply:
            if asked.number <= 12:
                await asyncio.sleep(0.5)
                leases.update(await job.ask_ledger("SELECT lease_until FROM penstock_ranges WHERE state = 'leased'"))
            return asked.accepted

        api.script = answer
        reports = await asyncio.gather(job.run(), job.run())  # the second one would take over
        assert {report.ended for report in reports} == {Ended.DONE}
        assert Counter(api.orders) == ONCE
        assert await job.keys(RowState.IMPORTED) == set(ONCE)
        assert await job.events(EventKind.TAKE_OVER) == []
        assert len(leases) >= 3, "it was not renewed"
