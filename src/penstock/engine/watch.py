"""Looks at a run twice a second: notes holds and a journal that fails, gives up on holds that last too long, ends the run when
its time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from penstock.engine.parts import Parts
from penstock.engine.prober import Prober
from penstock.engine.reader import Reader
from penstock.engine.stop import Ended, Stop
from penstock.errors import LedgerUnreachable
from penstock.events import EventKind
from penstock.ledger.events import Event
from penstock.pacing.pace import Hold

EVERY = 0.5


class Watch:
    """ends_at: when the run is to end, on the loop's clock (math.inf: when it is over)."""

    def __init__(self, parts: Parts, reader: Reader, prober: Prober | None, stop: Stop, *, ends_at: float) -> None:
        self._parts = parts
        self._reader = reader
        self._prober = prober
        self._stop = stop
        self._ends_at = ends_at
        self._noted: Hold | None = None
        self._noted_trouble = ""
        self._one_at_a_time = asyncio.Lock()

    @property
    def hold(self) -> Hold | None:
        """Why the run waits: the API, the job's settings, the ledger or the source."""
        return self._parts.pace.hold or self._reader.trouble

    @property
    def trouble(self) -> str:
        """What a person should know although the run goes on; "" for nothing."""
        return self._journal_trouble or self.probe_trouble or self._broker_trouble

    @property
    def probe_trouble(self) -> str:
        """Why no row in doubt can be asked about; "" if rows can, or if none is to be."""
        trouble = "" if self._prober is None else self._prober.trouble
        return trouble and f"rows in doubt cannot be asked about: {trouble}"

    @property
    def _broker_trouble(self) -> str:
        """Why the broker hands nothing out; "" if it does, or if there is none."""
        return "" if self._parts.broker is None else self._parts.broker.trouble

    @property
    def _journal_trouble(self) -> str:
        """Why answers are not written down locally; "" if they are, or if they need not be."""
        return "" if self._parts.journal is None else self._parts.journal.trouble

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
                    Ended.GAVE_UP, f"held for {now - hold.since:.0f} s, delivery.give_up_after: {hold.reason}"
                )
            await self.note()
            await asyncio.sleep(EVERY)

    async def note(self) -> None:
        """Tell the ledger what has begun or ended since it was told last; a run calls it once more at its end."""
        async with self._one_at_a_time:
            hold, trouble = self.hold, self._journal_trouble
            events = [*self._of_holds(hold), *self._of_journal(trouble)]
            try:
                if events:
                    await self._parts.ledger.note(events, self._parts.owner)
            except LedgerUnreachable:
                return  # noted at one of the next looks
            self._noted, self._noted_trouble = hold, trouble

    def _of_holds(self, hold: Hold | None) -> Sequence[Event]:
        before = self._noted
        if (hold and hold.since) == (before and before.since):
            return ()
        ended = () if before is None else (Event(EventKind.HOLD_ENDED, before.reason),)
        return ended if hold is None else (*ended, Event(EventKind.HOLD_STARTED, hold.reason))

    def _of_journal(self, trouble: str) -> Sequence[Event]:
        return (Event(EventKind.JOURNAL_FAILED, trouble),) if trouble and trouble != self._noted_trouble else ()
