"""How many at once and how fast, measured at the API: what all workers of a job do together."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, serving
from tests.engine.shop import open_shop

from penstock.engine.report import RunOptions
from penstock.engine.stop import Ended


async def take_ten_milliseconds(asked: Asked) -> Reply:
    await asyncio.sleep(0.01)
    return asked.accepted


@pytest.mark.parametrize("concurrency", [1, 5])
async def test_h7_so_many_requests_are_under_way_at_once_and_no_more(tmp_path: Path, concurrency: int) -> None:
    async with serving(take_ten_milliseconds) as api:
        shop = await open_shop(tmp_path, api, rows=100, delivery=f"concurrency: {concurrency}")
        await shop.run()
    assert api.most_in_flight == concurrency
    assert Counter(api.orders) == Counter(range(1, 101))


async def test_two_workers_share_the_concurrency_of_the_job(tmp_path: Path) -> None:
    async with serving(take_ten_milliseconds) as api:
        shop = await open_shop(tmp_path, api, rows=1000, every=20, delivery="concurrency: 4")
        reports = await asyncio.gather(shop.run(), shop.run())
    assert api.most_in_flight == 4
    assert all(report.tally.imported > 100 for report in reports)
    assert Counter(api.orders) == Counter(range(20, 20_001, 20))


async def test_a_worker_that_joins_waits_for_requests_that_others_have_under_way(tmp_path: Path) -> None:
    """Slow answers: when the newcomer may take its share, the other one still has all of the job's requests on the wire."""
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=600, every=20, delivery="concurrency: 4")
        joined = asyncio.Event()

        async def answer(asked: Asked) -> Reply:
            if asked.number > 1 and not joined.is_set():
                await joined.wait()
                await asyncio.sleep(3.0)  # longer than a newcomer waits for the others to hear of it
            return asked.accepted

        api.script = answer
        first = asyncio.create_task(shop.run())
        await api.until(lambda: api.in_flight == 4)
        second = asyncio.create_task(shop.run())
        joined.set()
        await asyncio.gather(first, second)
    assert api.most_in_flight == 4
    assert Counter(api.orders) == Counter(range(20, 12_001, 20))


async def test_the_rate_is_kept(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=400, delivery="concurrency: 16\nrate: 200/s")
        await shop.run()
    assert 100 <= rate_of(api.asked) <= with_a_burst(200, requests=400)
    # A burst is worth a tenth of a second at the most (and this machine may be late by another).
    assert all(later.at - asked.at >= 0.8 for asked, later in zip(api.asked, api.asked[200:], strict=False))


async def test_a_run_may_be_told_to_be_slower_than_its_job(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=200, delivery="concurrency: 16\nrate: 1000/s")
        await shop.run(RunOptions(rate=200))
    assert 100 <= rate_of(api.asked) <= with_a_burst(200, requests=200)


async def test_two_workers_share_the_rate_of_the_job(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=1200, every=20, delivery="concurrency: 16\nrate: 400/s")
        reports = await asyncio.gather(shop.run(), shop.run())
    assert all(report.tally.imported > 100 for report in reports)
    # Each worker may burst for a tenth of a second.
    assert all(later.at - asked.at >= 0.8 for asked, later in zip(api.asked, api.asked[400:], strict=False))


async def test_h43_retry_after_stops_every_request_of_the_worker(tmp_path: Path) -> None:
    async def answer(asked: Asked) -> Reply:
        if asked.number == 50:
            return Reply(429, headers={"Retry-After": "1"})
        return await take_ten_milliseconds(asked)

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=200, delivery="concurrency: 8")
        report = await shop.run()
    throttled = api.asked[49]
    # What was written before the answer had been read does not count.
    since = [asked.at - throttled.at for asked in api.asked[50:] if asked.at - throttled.at > 0.05]
    assert len(since) > 100
    assert 0.95 < min(since) < 1.5
    assert (report.ended, report.counts.imported) == (Ended.DONE, 200)


def rate_of(asked: list[Asked]) -> float:
    """Requests per second, from the first to the last."""
    return (len(asked) - 1) / (asked[-1].at - asked[0].at)


def with_a_burst(rate: float, *, requests: int) -> float:
    """The most that may be seen where this machine stalls once: what was saved up meanwhile is worth a tenth of a second."""
    return requests / (requests / rate - 0.11)
