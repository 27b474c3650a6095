"""Looks at a run twice a second: notes holds, gives up on those that last too long, ends the run when its time is over."""

from __future__ import annotations

import asyncio

from penstock.engine.parts import Parts
from penstock.engine.reader import Reader
from penstock.engine.stop import Ended, Stop
from penstock.errors import LedgerUnreachable
from penstock.events import EventKind
from penstock.ledger.base import Event
from penstock.pacing.pace import Hold

EVERY = 0.5


class Watch:
    """ends_at: when the run is to end, on the loop's clock (math.inf: when it is over)."""

    def __init__(self, parts: Parts, reader: Reader, stop: Stop, *, ends_at: float) -> None:
        self._parts = parts
        self._reader = reader
        self._stop = stop
        self._ends_at = ends_at
        self._noted: Hold | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def hold(self) -> Hold | None:
        """Why the run waits: the API, the job's settings, the ledger or the source."""
        return self._parts.pace.hold or self._reader.trouble

    async def watch(self) -> None:
        """The loop; it goes on while the run drains."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            if now >= self._ends_at:
                self._stop.drain(Ended.STOPPED, "the time given to this run is over")
            hold = self.hold
            if hold is not None and now - hold.since >= self._parts.settings.give_up_after:
                self._stop.drain(
                    Ended.GAVE_UP, f"held for {now - hold.since:.0f} s (delivery.give_up_after): {hold.reason}"
                )
            await self.note()
            await asyncio.sleep(EVERY)

    async def note(self) -> None:
        """Tell the ledger if a hold has begun or ended since it was told last; a run calls it once more at its end."""
        async with self._one_at_a_time:
            await self._note(self.hold)

    async def _note(self, hold: Hold | None) -> None:
        before = self._noted
        if (hold and hold.since) == (before and before.since):
            return
        events = []
        if before is not None:
            events.append(Event(EventKind.HOLD_ENDED, before.reason))
        if hold is not None:
            events.append(Event(EventKind.HOLD_STARTED, hold.reason))
        try:
            await self._parts.ledger.note(events, self._parts.owner)
        except LedgerUnreachable:
            return  # noted at one of the next looks
        self._noted = hold
