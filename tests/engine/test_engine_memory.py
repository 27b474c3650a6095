"""Memory is flat: whatever the API keeps waiting, a worker holds a few pages and no more."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, serving
from tests.engine.looks import Looks
from tests.engine.shop import open_shop

from penstock.engine.announcer import WINDOW
from penstock.engine.delivery import Delivery
from penstock.engine.planner import PAGE
from penstock.engine.stop import Stop

ROWS = 20_000


@pytest.mark.parametrize("idempotent", ["true", "false"])
async def test_d33_while_the_api_keeps_its_answers_the_table_is_not_read_to_its_end(
    tmp_path: Path, idempotent: str
) -> None:
    stop, looks, go = Stop(), Looks(), asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        if asked.number > 1:
            await go.wait()
        return asked.accepted

    async with serving(answer) as api:
        target = f"idempotent: {idempotent}"
        shop = await open_shop(tmp_path, api, rows=ROWS, target=target, delivery="concurrency: 8")
        run = asyncio.create_task(shop.run(stop=stop, show=looks.see))
        await looks.until(lambda progress: progress.in_flight == 8)
        await looks.until(lambda _: True)  # a second later it has read all that it will read
        deliveries = sum(type(thing) is Delivery for thing in gc.get_objects())
        [(planned,)] = shop.ask("SELECT planned_keys FROM penstock_jobs")
        stop.drain()
        go.set()
        report = await run
    assert api.most_in_flight == 8
    assert 8 <= deliveries <= 8 + 2 * WINDOW
    # One page is being sent, one waits, one has been read and waits for its place.
    assert 0 < int(str(planned)) <= 4 * PAGE
    assert report.counts.imported == 9
