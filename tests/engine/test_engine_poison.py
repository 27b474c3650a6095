"""A range whose workers ended again and again before they had settled anything: one of its rows may be why."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, serving
from tests.engine.shop import open_shop

from penstock.engine.delivery import ALONE
from penstock.engine.report import Progress, RunOptions
from penstock.engine.stop import Ended

ENDED_THREE_TIMES = """
UPDATE penstock_ranges SET state = 'leased', owner = 'somebody', lease_until = '2020-02-20 20:20:20',
  take_overs = 2, take_over_batch = batch WHERE range_no = 1
"""


@pytest.mark.parametrize("idempotent", [True, False])
async def test_p10_its_first_rows_go_out_one_at_a_time_and_those_behind_them_together(
    tmp_path: Path, idempotent: bool
) -> None:
    in_flight: dict[int, int] = {}

    async def answer(asked: Asked) -> Reply:
        in_flight[asked.number] = api.in_flight
        if asked.number == ALONE // 2:
            await until_shown.wait()
        elif asked.number > ALONE + 1:
            await asyncio.sleep(0.01)
        return asked.accepted

    def show(progress: Progress) -> None:
        if progress.limited_by == "earlier crashes":
            until_shown.set()

    until_shown = asyncio.Event()
    async with serving() as api:
        idempotent_or_not = f"idempotent: {str(idempotent).lower()}"
        shop = await open_shop(tmp_path, api, rows=3 * ALONE, target=idempotent_or_not, delivery="concurrency: 32")
        await shop.run(RunOptions(limit=1))
        await shop.change(ENDED_THREE_TIMES)
        api.script = answer
        report = await shop.run(show=show)
    assert report.ended is Ended.DONE
    assert Counter(api.orders) == Counter(range(1, 3 * ALONE + 1))
    began = min(in_flight)
    assert {in_flight[number] for number in range(began, began + ALONE)} == {1}
    assert max(in_flight.values()) > 8
