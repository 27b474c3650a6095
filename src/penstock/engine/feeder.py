"""Turns read rows into announced deliveries: maps a window's worth at a time, no faster than the wire takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from penstock.engine.announcer import Announcer
from penstock.engine.delivery import Delivery, OpenRange
from penstock.engine.outbox import Outbox
from penstock.engine.parts import Parts
from penstock.engine.reader import Page
from penstock.engine.settler import Settler
from penstock.engine.stop import Stop
from penstock.errors import RowError
from penstock.ledger.rows import LedgerRow, Settlement
from penstock.ledger.states import RowState
from penstock.rows import Row

# Rows that wait for another attempt: beyond so many no new ones are begun, whatever the API answers to those.
MOST_WAITING = 2000
LOOK = 0.05  # seconds
# Pages that wait, or are being read, while the rows of the page before are on the wire; each by a reader of its own: finding a
# range is a dozen round trips that wait for the database and for this loop, which the reading of another need not wait for.
PAGES_AHEAD = 2


def failed_in_mapping(row: Row, error: RowError, attempts: int) -> Settlement:
    """A row that does not become a request: failed, with the column at fault."""
    reason = str(error) if not error.column or error.column in str(error) else f"{error.column}: {error}"
    return Settlement(row.key, RowState.FAILED, attempts, reason=reason)


class RowLimit:
    """How many rows this run may still hand on (None: all there are)."""

    def __init__(self, rows: int | None) -> None:
        self._left = rows

    @property
    def is_reached(self) -> bool:
        return self._left == 0

    def give_back(self) -> None:
        """One that was taken did not go after all."""
        if self._left is not None:
            self._left += 1

    def take(self, rows: int) -> int:
        """As many of so many rows as may go."""
        if self._left is None:
            return rows
        taken = min(rows, self._left)
        self._left -= taken
        return taken


class Feeder:
    def __init__(
        self, parts: Parts, announcer: Announcer, outbox: Outbox, settler: Settler, stop: Stop, *, limit: RowLimit
    ) -> None:
        self._render = parts.render
        self._settings = parts.settings
        self._clock = parts.clock
        self._announcer = announcer
        self._outbox = outbox
        self._settler = settler
        self._stop = stop
        self._limit = limit
        self._readers = 0
        self._room = asyncio.Semaphore(PAGES_AHEAD)
        self._pages: asyncio.Queue[Page | None] = asyncio.Queue()
        self.is_careful = False  # rows go out one at a time, as earlier workers ended without progress

    async def read_ahead(self, pages: AsyncIterator[Page]) -> None:
        """The loop that keeps pages ready; there may be several. However the last one ends, `feed` and `discard` hear of it."""
        self._readers += 1
        try:
            await self._room.acquire()
            async for page in pages:
                self._pages.put_nowait(page)
                await self._room.acquire()
        finally:
            self._readers -= 1
            if not self._readers:
                self._pages.put_nowait(None)

    async def feed(self) -> None:
        """The loop that hands rows on, until the last page or the limit. Asked to stop, it takes pages and leaves their rows."""
        while not self._limit.is_reached and (page := await self._next_page()) is not None:
            for start in range(0, len(page.rows), self._announcer.chunk):
                await self._outbox.wanted()
                while self._announcer.waiting >= MOST_WAITING and not self._stop.is_asked:
                    await self._stop.asked_within(LOOK)
                if self._limit.is_reached or self._stop.is_asked or page.range.is_gone:
                    break
                await self._feed_chunk(page, page.rows[start : start + self._announcer.chunk])
                # Mapping a chunk takes about a millisecond: let answers be read in between.
                await asyncio.sleep(0)

    async def discard(self) -> None:
        """Take the pages that nobody will feed any more, until the reader has come to its end."""
        while await self._next_page() is not None:
            pass

    async def _next_page(self) -> Page | None:
        page = await self._pages.get()
        self._room.release()
        return page

    async def _feed_chunk(self, page: Page, rows: Sequence[tuple[Row, LedgerRow | None]]) -> None:
        rows = rows[: self._limit.take(len(rows))]
        deliveries: list[Delivery] = []
        for row, before in rows:
            delivery = self._deliver(page.range, row, before, page.read_at)
            if delivery is not None:
                deliveries.append(delivery)
            elif self._stop.is_asked:
                return  # too many rows that do not map may be why: those behind are left alone
        alone, together = deliveries[: page.range.alone], deliveries[page.range.alone :]
        for delivery in alone:
            self.is_careful = True
            page.range.alone -= 1
            await self._announcer.announce(page.range, [delivery])
            await self._outbox.idle()
        self.is_careful = False
        if together:
            await self._announcer.announce(page.range, together)

    def _deliver(self, range_: OpenRange, row: Row, before: LedgerRow | None, read_at: float) -> Delivery | None:
        """The row, ready to go out; None if it ended here."""
        attempts = before.attempts if before else 0
        if before and self._settings.repeat_may_harm(before.first_sent, self._clock.now().timestamp()):
            reason = f"{before.reason or ''}; idempotent no longer"
            settlement = Settlement(
                row.key, RowState.IN_DOUBT, attempts, before.status, reason, fingerprint=before.fingerprint
            )
            self._settler.add(range_, [settlement])
            return None
        try:
            request = self._render(row)
        except RowError as error:
            self._settler.add(range_, [failed_in_mapping(row, error, attempts)])
            return None
        if request is None:
            self._settler.add(
                range_, [Settlement(row.key, RowState.SKIPPED, attempts, reason="skipped by the mapping")]
            )
            return None
        delivery = Delivery(range_, row, request, read_at)
        if before is not None:
            delivery.attempts = attempts
            delivery.reason = before.reason or ""
            delivery.first_sent = before.first_sent
            delivery.sent_as = before.fingerprint
        return delivery
