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


async def test_a_row_that_arrives_is_withdrawn_in_the_journal(tmp_path: Path) -> None:
    said_not_to_go: list[int] = []

    async def answer(asked: Asked) -> Reply:
        if str(asked.order) in held_back(tmp_path):
            said_not_to_go.append(asked.order)
        return asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=300, delivery="concurrency: 8")
        report = await shop.run()
    assert (report.counts.imported, said_not_to_go) == (300, [])


def held_back(folder: Path) -> set[str]:
    """The keys of which the journal says that they have not gone out."""
    keys: set[str] = set()
    [path] = (folder / ".penstock").glob("*.journal")
    for line in path.read_bytes().splitlines():
        content = json.loads(line)
        keys.update(content.get("held_back", ()))
        keys.difference_update(content.get("withdrawn", ()))
    return keys
