"""Writes down what is about to go out, before it does: windows of keys, and the event that explains a row's further send."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from penstock.engine.delivery import Delivery, OpenRange, OpenRanges
from penstock.engine.outbox import Outbox
from penstock.engine.parts import Parts
from penstock.engine.settler import Settler
from penstock.errors import LeaseLost, LedgerUnreachable
from penstock.events import EventKind
from penstock.ledger.base import Event
from penstock.pacing.backoff import full_jitter

WINDOW = 128

Write: TypeAlias = Callable[[], Awaitable[None]]


class Announcer:
    def __init__(self, parts: Parts, ranges: OpenRanges, outbox: Outbox, settler: Settler) -> None:
        self._ledger = parts.ledger
        self._journal = parts.journal
        self._owner = parts.owner
        self._pace = parts.pace
        self._random = parts.random
        self._settings = parts.settings
        self._ranges = ranges
        self._outbox = outbox
        self._settler = settler
        self._again: list[Delivery] = []
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._timers: set[asyncio.TimerHandle] = set()

    @property
    def chunk(self) -> int:
        """How many rows are announced together: a window's worth, less where few may be left in doubt."""
        if not self._settings.writes_windows:
            return WINDOW
        return max(1, min(WINDOW, self._settings.max_in_doubt // 3))

    def changed(self) -> None:
        """Rows have been settled: there may be room for another window."""
        self._room.set()

    async def announce(self, range_: OpenRange, deliveries: Sequence[Delivery]) -> None:
        """Write these rows of one range down as far as needed, then put them into the outbox."""
        events = [_explain(delivery) for delivery in deliveries if delivery.sends or delivery.attempts]
        if self._settings.writes_windows:
            if not await self._open_window(range_, deliveries, events):
                return
        elif events and not await self._until_written(lambda: self._ledger.note(events, self._owner)):
            return
        self._outbox.put(deliveries)

    def send_again(self, delivery: Delivery, wait: float) -> None:
        """Announce this row once more, in `wait` seconds."""
        loop = asyncio.get_running_loop()

        def due() -> None:
            self._timers.discard(handle)
            self._again.append(delivery)
            self._due.set()

        handle = loop.call_later(wait, due)
        self._timers.add(handle)

    async def repeat_for_ever(self) -> None:
        """The loop that announces rows whose wait is over, all that are due together."""
        while True:
            await self._due.wait()
            self._due.clear()
            due, self._again = self._again, []
            by_range: defaultdict[int, list[Delivery]] = defaultdict(list)
            for delivery in due:
                if not delivery.range.is_lost:
                    by_range[delivery.range.lease.range_no].append(delivery)
            for deliveries in by_range.values():
                for start in range(0, len(deliveries), self.chunk):
                    await self.announce(deliveries[0].range, deliveries[start : start + self.chunk])

    def cancel_waits(self) -> None:
        """A drain: rows that wait for another attempt stay pending."""
        for handle in self._timers:
            handle.cancel()
        self._timers.clear()

    async def _open_window(self, range_: OpenRange, deliveries: Sequence[Delivery], events: Sequence[Event]) -> bool:
        fresh = [delivery.key for delivery in deliveries if delivery.key not in range_.exposed]
        while fresh and self._ranges.exposed and self._ranges.exposed + len(fresh) > self._settings.max_in_doubt:
            self._room.clear()
            self._settler.look()
            await self._room.wait()
        if range_.is_lost:
            return False
        number = range_.next_window
        range_.next_window += 1
        keys = [(delivery.key, delivery.first_sent) for delivery in deliveries]
        repeated = [delivery.key for delivery in deliveries if delivery.sends]
        if self._journal is not None and repeated:
            # An older answer must not speak for the send that is about to happen.
            self._journal.withdraw(range_.lease.range_no, repeated)
        # The window must hold good until the last of its requests could have ended.
        seconds = self._settings.total_timeout
        if not await self._until_written(lambda: self._ledger.open_window(range_.lease, number, keys, seconds, events)):
            return False
        range_.windows[number] = len(deliveries)
        range_.exposed.update(key for key, _ in keys)
        for delivery in deliveries:
            delivery.window = number
        return True

    async def _until_written(self, write: Write) -> bool:
        """Repeat a write until the ledger has it. False: the lease is lost, and so is the reason to write."""
        tries = 0
        while True:
            try:
                await write()
            except LeaseLost as lost:
                await self._settler.lose(lost.range_no)
                return False
            except LedgerUnreachable as error:
                tries += 1
                self._pace.block("announce", str(error), asyncio.get_running_loop().time())
                await asyncio.sleep(0.1 + full_jitter(tries, 0.2, 5.0, self._random))
            else:
                if tries:
                    self._pace.unblock("announce")
                    self._outbox.pump()
                return True


def _explain(delivery: Delivery) -> Event:
    return Event(
        EventKind.FURTHER_ATTEMPT, delivery.reason or "sent before", delivery.key, delivery.range.lease.range_no
    )
