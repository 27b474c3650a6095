"""Asks the API what it holds, for as long as it takes: patient with one that is slow, throttles or is down for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import assert_never

from penstock.errors import JobError, StoreUnreachable
from penstock.target.base import Outcome
from penstock.target.http import HttpSender
from penstock.target.told import Documents, NotNow, Reading, Unusable

# Seconds before each further try of one request: as long as a service takes to be started again.
PAUSES = (0.2, 1.0, 3.0, 10.0, 20.0)
# Seconds for which an API may throttle everything.
PATIENCE = 900.0
_FIRST_THROTTLE = 0.2
_LONGEST_THROTTLE = 30.0


class Asker:
    """name: the address for people, without secrets. read: what an outcome tells; its second argument is `about`.
    concurrency: requests at once. pauses: before each further try; once they are used up the API is unreachable."""

    def __init__(
        self,
        sender: HttpSender,
        read: Callable[[Outcome, object], Reading],
        name: str,
        *,
        concurrency: int,
        pauses: Sequence[float] = PAUSES,
        patience: float = PATIENCE,
    ) -> None:
        self.name = name
        self._sender = sender
        self._read = read
        self._turns = asyncio.Semaphore(concurrency)
        self._pauses = tuple(pauses)
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._not_before = 0.0
        self._throttled = 0  # times in a row
        self._throttled_since = 0.0

    async def ask(self, request: bytes, about: object, what: str) -> Documents:
        """about: the key that is asked for. what: it, for people. Raises StoreUnreachable, JobError."""
        tries = 0
        while True:
            async with self._turns:
                await self._until_allowed()
                reading = self._read(await self._sender.send(request), about)
            match reading:
                case Documents():
                    self._throttled = 0
                    return reading
                case Unusable(reason):
                    raise JobError(f"verify: {self.name}, asked for {what}, {reason}")
                case NotNow(is_throttled=True):
                    self._slow_down(reading)
                case NotNow():
                    if tries == len(self._pauses):
                        raise StoreUnreachable(f"{self.name}, asked {tries + 1} times for {what}: {reading.reason}")
                    await asyncio.sleep(max(self._pauses[tries], reading.retry_after or 0.0))
                    tries += 1
                case _:
                    assert_never(reading)

    async def reach(self) -> None:
        """Connect, and ask nothing. Raises StoreUnreachable."""
        trouble = await self._sender.connect()
        if trouble is not None:
            raise StoreUnreachable(f"{self.name}: {trouble}")

    async def aclose(self) -> None:
        await self._sender.aclose()

    async def _until_allowed(self) -> None:
        while (wait := self._not_before - self._loop.time()) > 0:  # noqa: ASYNC110  # a time, which those still on the wire may move
            await asyncio.sleep(wait)

    def _slow_down(self, throttled: NotNow) -> None:
        """Nobody asks anything before the API allows it. Raises StoreUnreachable if it allows nothing for too long."""
        now = self._loop.time()
        if self._throttled == 0:
            self._throttled_since = now
        wait = throttled.retry_after
        if wait is None:
            wait = min(_LONGEST_THROTTLE, _FIRST_THROTTLE * 2.0 ** min(self._throttled, 20))
        if now + wait > self._throttled_since + self._patience:
            raise StoreUnreachable(f"{self.name} throttles: {throttled.reason}, and asks to wait for {wait:,.0f} s")
        if now >= self._not_before:  # the first of those that were on the wire together
            self._throttled += 1
        self._not_before = max(self._not_before, now + wait)
