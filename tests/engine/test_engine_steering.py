"""What a person does to a live run from another terminal: heard with the next heartbeat."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.engine.api import Api, Asked, Reply, serving
from tests.engine.looks import Looks
from tests.engine.shop import Shop, open_shop

from penstock.engine.stop import Ended, Stop
from penstock.events import EventKind
from penstock.wiring import open_people_desk

SOON = 2.0  # seconds within which a person's word takes effect


async def take_ten_milliseconds(asked: Asked) -> Reply:
    await asyncio.sleep(0.01)
    return asked.accepted


async def test_a_paused_run_sends_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    looks = Looks()
    async with serving(take_ten_milliseconds) as api:
        shop = await open_shop(tmp_path, api, rows=300, delivery="concurrency: 4\nrate: 150/s")
        run = asyncio.create_task(shop.run(show=looks.see))
        await api.until_asked(20)
        async with open_people_desk(shop.job) as desk:
            await desk.pause()
            paused_at = time.monotonic()
            await looks.until(lambda progress: progress.limited_by == "pause")
            before = len(api.asked)
            await looks.until(lambda _: True)  # a second later
            assert len(api.asked) == before < 300
            await desk.resume()
            resumed_at = time.monotonic()
        await api.until_asked(before + 1)
        report = await run
    assert api.asked[before - 1].at - paused_at < SOON
    assert api.asked[before].at - resumed_at < SOON
    assert api.asked[before + 1].in_flight == 1  # it opens up as at the start
    assert (report.ended, report.counts.imported) == (Ended.DONE, 300)
    assert len(await shop.events(EventKind.PAUSED)) == len(await shop.events(EventKind.RESUMED)) == 1


async def test_the_rate_may_be_changed_while_it_runs(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=200, delivery="concurrency: 8\nrate: 20/s")
        run = asyncio.create_task(shop.run())
        await api.until_asked(5)
        set_at = time.monotonic()
        await set_limits(shop, rate=1000.0)
        report = await run
    assert report.counts.imported == 200
    assert api.asked[-1].at - set_at < SOON


async def test_the_concurrency_may_be_changed_while_it_runs(tmp_path: Path) -> None:
    stop = Stop()
    async with serving(take_ten_milliseconds) as api:
        shop = await open_shop(tmp_path, api, rows=3000, delivery="concurrency: 2")
        run = asyncio.create_task(shop.run(stop=stop))
        await api.until(lambda: api.in_flight == 2)
        raised_at = time.monotonic()
        await set_limits(shop, concurrency=6)
        await api.until(lambda: api.in_flight == 6)
        lowered_at = time.monotonic()
        await set_limits(shop, concurrency=1)
        await api.until(lambda: of_the_last_twenty(api) == 1)
        ended_at = time.monotonic()
        stop.drain()
        await run
    assert api.most_in_flight == 6
    assert lowered_at - raised_at < SOON
    assert ended_at - lowered_at < SOON


async def set_limits(shop: Shop, *, rate: float | None = None, concurrency: int | None = None) -> None:
    async with open_people_desk(shop.job) as desk:
        await desk.set_limits(rate=rate, concurrency=concurrency)


def of_the_last_twenty(api: Api) -> int:
    """How many were under way at once at the most."""
    return max(asked.in_flight for asked in api.asked[-20:])
