"""The default: look at the ledger again every now and then, or at once when this very process has finished a range."""

from __future__ import annotations

import asyncio


class PollingBell:
    def __init__(self) -> None:
        self._rung = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            pass
        self._rung.clear()

    def ring(self) -> None:
        self._rung.set()
