"""What a run shows of itself about once a second: numbers that a person can believe."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

from tests.engine.api import Asked, Reply, serving
from tests.engine.looks import Looks
from tests.engine.shop import check_that_it_adds_up, open_shop

from penstock.engine.stop import Stop


async def test_a_run_at_its_rate_says_so_and_how_fast_it_is(tmp_path: Path) -> None:
    looks = Looks()
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=250, delivery="concurrency: 4\nrate: 100/s")
        await shop.run(show=looks.see)
    last = looks.seen[-1]
    assert last.limited_by == "rate"
    assert 80 <= last.rows_per_second <= 120
    assert 1.5 <= last.elapsed <= 2.7
    assert (last.concurrency, last.hold) == (4, "")
    assert last.in_flight <= 4
    for earlier, later in pairwise(looks.seen):
        assert earlier.tally.imported < later.tally.imported
        assert earlier.counts.imported < later.counts.imported <= later.tally.imported
    for progress in looks.seen:
        check_that_it_adds_up(progress.counts, 250)


async def test_a_run_that_waits_for_its_own_concurrency_says_so(tmp_path: Path) -> None:
    looks, stop, done = Looks(), Stop(), asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        if asked.number > 1:
            await done.wait()
        return asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=250, delivery="concurrency: 4")
        run = asyncio.create_task(shop.run(stop=stop, show=looks.see))
        progress = await looks.until(lambda progress: progress.in_flight == 4)
        stop.drain()
        done.set()
        await run
    assert (progress.limited_by, progress.concurrency, progress.tally.imported) == ("concurrency", 4, 1)


async def test_a_run_that_holds_says_so_and_why(tmp_path: Path) -> None:
    looks = Looks()
    is_open = asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        return asked.accepted if is_open.is_set() else Reply(403)

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=250, delivery="rate: 125/s")
        run = asyncio.create_task(shop.run(show=looks.see))
        held = await looks.until(lambda progress: progress.hold != "")
        is_open.set()
        going = await looks.until(lambda progress: progress.hold == "")
        await run
    assert (held.limited_by, held.tally.imported) == ("hold", 0)
    assert held.hold.startswith("answered 403")
    assert going.tally.imported > 0


async def test_a_run_that_was_told_to_come_back_later_says_so(tmp_path: Path) -> None:
    looks = Looks()

    async def answer(asked: Asked) -> Reply:
        return Reply(429, headers={"Retry-After": "2"}) if asked.number == 5 else asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=20)
        await shop.run(show=looks.see)
    assert "Retry-After" in {progress.limited_by for progress in looks.seen}
