"""Answers that cannot be written down locally: the run goes on, and somebody is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.engine.api import Asked, Reply, serving
from tests.engine.looks import Looks
from tests.engine.shop import open_shop

from penstock.engine.stop import Ended
from penstock.events import EventKind


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
