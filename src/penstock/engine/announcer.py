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
from penstock.engine.stop import Stop
from penstock.errors import LeaseLost, LedgerUnreachable
from penstock.events import EventKind
from penstock.ledger.events import Event
from penstock.ledger.ranges import WindowKey
from penstock.pacing.backoff import full_jitter

# Rows that are mapped, and put into the outbox, together.
CHUNK = 128
# Keys of a window, at the most: a third of a page. One statement each, so a larger one costs less a row; but a window that is
# opened while the one before is still on its way takes from what may be in doubt, and so from the batches.
WINDOW = 333

Write: TypeAlias = Callable[[], Awaitable[None]]


class Announcer:
    def __init__(self, parts: Parts, ranges: OpenRanges, outbox: Outbox, settler: Settler, stop: Stop) -> None:
        self._ledger = parts.ledger
        self._journal = parts.journal
        self._owner = parts.owner
        self._pace = parts.pace
        self._random = parts.random
        self._settings = parts.settings
        self._ranges = ranges
        self._outbox = outbox
        self._settler = settler
        self._stop = stop
        self._clock = parts.clock
        self._fingerprint = parts.fingerprint
        self._again: list[Delivery] = []
        self._is_repeating = False
        self._is_closed = False
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._timers: dict[Delivery, asyncio.TimerHandle] = {}

    @property
    def chunk(self) -> int:
        """How many rows are announced together: a window's worth, less where few may be left in doubt."""
        if not self._settings.writes_windows:
            return CHUNK
        return max(1, min(WINDOW, self._settings.max_in_doubt // 3))

    @property
    def waiting(self) -> int:
        """How many rows wait for another attempt."""
        return len(self._timers) + len(self._again)

    @property
    def is_idle(self) -> bool:
        """No row waits for another attempt, nor is being announced for one."""
        return not self._timers and not self._again and not self._is_repeating

    def changed(self) -> None:
        """Rows have been settled: there may be room for another window."""
        self._room.set()

    async def announce(self, range_: OpenRange, deliveries: Sequence[Delivery]) -> None:
        """Write these rows of one range down as far as needed, then put them into the outbox."""
        for delivery in deliveries:
            delivery.fingerprint = self._fingerprint(delivery.row)
        events = [_explain(delivery) for delivery in deliveries if delivery.sends or delivery.attempts]
        if self._settings.writes_windows:
            if not await self._open_window(range_, deliveries, events):
                return
        elif events and not await self._until_written(lambda: self._ledger.note(events, self._owner)):
            self._again.extend(deliveries)
            return
        self._outbox.put(deliveries)

    def send_again(self, delivery: Delivery, wait: float) -> None:
        """Announce this row once more, in `wait` seconds."""
        if self._is_closed:
            self._again.append(delivery)
            return
        self._timers[delivery] = asyncio.get_running_loop().call_later(wait, self._is_due, delivery)

    async def repeat(self) -> None:
        """The loop that announces rows whose wait is over, all that are due together. Returns when closed."""
        while not self._is_closed:
            await self._due.wait()
            self._due.clear()
            if self._is_closed:
                return
            due, self._again = self._again, []
            self._is_repeating = True
            by_range: defaultdict[int, list[Delivery]] = defaultdict(list)
            for delivery in due:
                if not delivery.range.is_gone:
                    by_range[delivery.range.lease.range_no].append(delivery)
            try:
                for deliveries in by_range.values():
                    while deliveries:
                        await self.announce(deliveries[0].range, deliveries[: self.chunk])
                        del deliveries[: self.chunk]
            finally:
                # An error ends the run here: what has gone out and was not announced again is given back with what came of it.
                self._again.extend(delivery for deliveries in by_range.values() for delivery in deliveries)
                self._is_repeating = False

    def close(self) -> None:
        """A drain: nothing is announced any more; rows that wait for another attempt are kept for `kept`."""
        self._is_closed = True
        for handle in self._timers.values():
            handle.cancel()
        self._again.extend(self._timers)
        self._timers.clear()
        self._due.set()
        self._room.set()

    def kept(self) -> list[Delivery]:
        """What was not announced any more."""
        kept, self._again = self._again, []
        return kept

    def _is_due(self, delivery: Delivery) -> None:
        del self._timers[delivery]
        self._again.append(delivery)
        self._due.set()

    async def _open_window(self, range_: OpenRange, deliveries: Sequence[Delivery], events: Sequence[Event]) -> bool:
        names = [delivery.key for delivery in deliveries]
        if not await self._has_room(len(names) - len(range_.exposed.intersection(names))):
            self._again.extend(deliveries)
            return False
        if range_.is_gone:
            return False
        number = range_.next_window
        range_.next_window += 1
        keys = self._keys(deliveries)
        if self._journal is not None:
            # Until it is sent: a crash leaves in doubt what was on the wire, not the whole window. Before the window is written:
            # it may stand there though nobody hears of it.
            lease = range_.lease
            unsent = []
            for delivery in deliveries:
                if delivery.has_a_past:
                    self._journal.append(lease.range_no, lease.fence, [delivery.waiting()])
                else:
                    unsent.append(delivery.key)
            self._journal.hold_back(lease.range_no, lease.fence, unsent)
        # The window must hold good until the last of its requests could have ended.
        seconds = self._settings.total_timeout
        if not await self._until_written(lambda: self._ledger.open_window(range_.lease, number, keys, seconds, events)):
            if not range_.is_gone:  # the run is to end, and the ledger does not answer
                # If it stands there after all, it goes with the range's last batch: nothing of it was sent.
                range_.windows_done.append(number)
                self._again.extend(deliveries)
            return False
        range_.windows[number] = len(deliveries)
        range_.exposed.update(names)
        for delivery in deliveries:
            if delivery.window:  # of an earlier attempt
                delivery.leave_window()
            delivery.window = number
        return True

    def _keys(self, deliveries: Sequence[Delivery]) -> list[WindowKey]:
        """What a crash would have to know of them."""
        now = None if self._settings.idempotent_for is None else self._clock.now().timestamp()
        keys = []
        for delivery in deliveries:
            delivery.announced_at = now
            keys.append(WindowKey(delivery.key, delivery.first_sent or now, delivery.exposed_as))
        return keys

    async def _has_room(self, keys: int) -> bool:
        """Wait until so many further keys may be left in doubt. False: closed meanwhile."""
        while keys and self._ranges.exposed and self._ranges.exposed + keys > self._settings.max_in_doubt:
            if self._is_closed:
                return False
            self._room.clear()
            if self._outbox.is_idle:  # nothing will end that could make room
                self._settler.make_room()
            await self._room.wait()
        return True

    async def _until_written(self, write: Write) -> bool:
        """Repeat a write until the ledger has it. False: the lease is lost, and so is the reason to write."""
        tries = 0
        try:
            while True:
                try:
                    await write()
                except LeaseLost as lost:
                    self._settler.lose(lost.range_no)
                    return False
                except LedgerUnreachable as error:
                    if self._stop.is_asked:
                        return False
                    tries += 1
                    self._pace.block("announce", str(error), asyncio.get_running_loop().time())
                    await self._stop.asked_within(0.1 + full_jitter(tries, 0.2, 5.0, self._random))
                else:
                    return True
        finally:
            self._pace.unblock("announce")
            if tries:
                self._outbox.pump()


def _explain(delivery: Delivery) -> Event:
    return Event(
        EventKind.FURTHER_ATTEMPT, delivery.reason or "sent before", delivery.key, delivery.range.lease.range_no
    )
