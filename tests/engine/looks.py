"""What a run shows of itself, kept for a test to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.engine.api import PATIENCE

from penstock.engine.report import Progress


class Looks:
    """Every progress that a run has shown. Give `see` to the run as its `show`."""

    def __init__(self) -> None:
        self.seen: list[Progress] = []
        self._news = asyncio.Event()

    def see(self, progress: Progress) -> None:
        self.seen.append(progress)
        self._news.set()

    async def until(self, holds: Callable[[Progress], bool]) -> Progress:
        """The first look from now on for which `holds`. Raises TimeoutError if there is none."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self._news.clear()
                await self._news.wait()
                if holds(self.seen[-1]):
                    return self.seen[-1]
