"""More workers than concurrency: the oldest work, the others hold nothing that these would have to wait for."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.engine.api import PATIENCE, Asked, Reply, serving
from tests.engine.shop import open_shop

from penstock.wiring import open_people_desk

ROWS = 3200  # four spans


async def soon(asked: Asked) -> Reply:
    await asyncio.sleep(0.001)
    return asked.accepted


async def test_with_one_request_for_two_workers_both_come_to_an_end(tmp_path: Path) -> None:
    async with serving(soon) as api:
        shop = await open_shop(tmp_path, api, rows=ROWS, delivery="concurrency: 1")
        reports = await asyncio.gather(shop.run(), shop.run())
    assert sorted(api.orders) == list(range(1, ROWS + 1))
    assert api.most_in_flight == 1
    assert reports[0].counts.imported == ROWS


async def test_a_worker_that_loses_its_share_gives_its_ranges_to_the_others(tmp_path: Path) -> None:
    async with serving(soon) as api:
        shop = await open_shop(tmp_path, api, rows=ROWS, delivery="concurrency: 2\nrate: 300/s")
        workers = asyncio.gather(shop.run(), shop.run())
        await api.until(lambda: api.most_in_flight == 2)  # one each: both hold ranges
        async with open_people_desk(shop.job) as desk:
            await desk.set_limits(rate=10_000, concurrency=1)
        async with asyncio.timeout(PATIENCE):
            await workers
    assert sorted(api.orders) == list(range(1, ROWS + 1))
    assert {asked.in_flight for asked in api.asked[-ROWS // 4 :]} == {1}
