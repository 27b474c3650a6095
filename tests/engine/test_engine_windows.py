"""What may be on the wire was written down before it went, and is nowhere said not to have gone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.engine.api import Asked, Reply, serving
from tests.engine.shop import open_shop


async def test_a_row_stands_in_a_window_when_it_arrives(tmp_path: Path) -> None:
    unknown: list[int] = []

    async def answer(asked: Asked) -> Reply:
        windows = await asyncio.to_thread(shop.ask, "SELECT row_keys FROM penstock_windows")
        if str(asked.order) not in {key for (keys,) in windows for key, *_ in json.loads(str(keys))}:
            unknown.append(asked.order)
        return asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=300, delivery="concurrency: 8")
        report = await shop.run()
    assert (report.counts.imported, unknown) == (300, [])
