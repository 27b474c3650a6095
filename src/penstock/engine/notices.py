"""Tells others, by messages, of rows that ended failed or in doubt: whatever the ledger has of them and nobody was told of yet.

At least once: a message is published, then written down as told. Whoever dies in between leaves one to be told again, never one
that nobody tells. One worker does it, the oldest of those that use the broker; deliveries do not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

from penstock.errors import Unreachable
from penstock.ledger.base import Ledger
from penstock.ledger.rows import Notice
from penstock.ledger.states import RowState
from penstock.ledger.workers import Control
from penstock.rows import Row
from penstock.source.base import Source
from penstock.transport.base import Message

# Seconds between two walks: nine times as long as the last one took, for a range that takes days keeps all rows behind its
# beginning to be walked; twice as long each time where messages are not taken, for some may have arrived unconfirmed.
EVERY = 2.0
LONGEST = 60.0
RESTS = 9
EVERYTHING = 600.0  # seconds after which a row is told of that a person, or the API, has settled in a range long done
PAGE = 500
PATIENCE = 10.0  # seconds that the end of a run waits for a broker that takes nothing

ENDED_BADLY = (RowState.FAILED, RowState.IN_DOUBT)

# How many of the first of these the broker has confirmed. Raises JobError if there is no such exchange.
Publish: TypeAlias = Callable[[Sequence[Message]], Awaitable[int]]
# row: as it is in the source now; None if the source does not show it, or nobody wants to know.
Write: TypeAlias = Callable[[Notice, Row | None], Message]


class Notifier:
    """source: None if the messages do not need the rows as they are now. time: seconds, of the loop's clock."""

    def __init__(
        self, ledger: Ledger, source: Source | None, publish: Publish, write: Write, *, time: Callable[[], float]
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._publish = publish
        self._write = write
        self._time = time
        self._floor = 0  # every row of the ranges before it has been told of
        self._moved_at = 0.0

    async def notify_for_ever(self, heard: Callable[[], Control | None]) -> None:
        """The loop. heard: the ledger's last word; None before the first."""

        def leads() -> bool:
            control = heard()
            return control is not None and control.leads

        walked_all_at, pause = -EVERYTHING, EVERY
        while True:
            began, is_stuck = self._time(), False
            if not leads():
                walked_all_at = -EVERYTHING
            else:
                if began - walked_all_at >= EVERYTHING:
                    self._floor, walked_all_at = 0, began
                with suppress(Unreachable):  # whoever reads or settles says so
                    is_stuck = not await self._walk(leads)
            wanted = 2 * pause if is_stuck else max(EVERY, RESTS * (self._time() - began))
            pause = min(wanted, LONGEST)
            await asyncio.sleep(pause)

    async def tell_the_rest(self, seconds: float) -> int:
        """Everything that is left, when nobody settles any more: for at most so long, and not for longer than the broker takes
        something. Returns of how many rows nobody has been told. Raises JobError, Unreachable."""
        self._floor, self._moved_at = 0, self._time()
        ends_at = self._moved_at + seconds

        def may() -> bool:
            return self._time() < min(ends_at, self._moved_at + PATIENCE)

        while may():
            with suppress(Unreachable):
                if await self._walk(may):
                    return 0
            await asyncio.sleep(0.2)
        return await self._untold()

    async def _walk(self, may: Callable[[], bool]) -> bool:
        """Tell of every row from the floor on that nobody was told of. Returns whether none is left."""
        unfinished = await self._ledger.first_unfinished()
        for state in ENDED_BADLY:
            place = (self._floor, "")
            while page := await self._ledger.notices(state, place, self._at_once):
                news = [notice for notice in page if not notice.is_told]
                if news and not await self._tell(news):
                    return False
                self._moved_at = self._time()
                if not may():
                    return False
                place = (page[-1].range_no, page[-1].key)
        self._floor = unfinished  # lower than before if a range has come into being late, with a low number
        return True

    @property
    def _at_once(self) -> int:
        return PAGE if self._source is None else min(PAGE, self._source.rows_at_once)

    async def _tell(self, notices: Sequence[Notice]) -> bool:
        """Returns whether all of them have been. What is published is written down before a cancel gets through: else it would
        be told twice at the end of each run."""
        rows = {} if self._source is None else await self._source.read_keys([notice.key for notice in notices])
        messages = [self._write(notice, rows.get(notice.key)) for notice in notices]
        telling = asyncio.create_task(self._publish_and_note(notices, messages))
        try:
            return await asyncio.shield(telling)
        except asyncio.CancelledError:
            await asyncio.gather(telling, return_exceptions=True)
            raise

    async def _publish_and_note(self, notices: Sequence[Notice], messages: Sequence[Message]) -> bool:
        confirmed = await self._publish(messages)
        if confirmed:
            await self._ledger.told(notices[:confirmed])
            self._moved_at = self._time()
        return confirmed == len(notices)

    async def _untold(self) -> int:
        count = 0
        for state in ENDED_BADLY:
            place = (0, "")
            while page := await self._ledger.notices(state, place, PAGE):
                count += sum(not notice.is_told for notice in page)
                place = (page[-1].range_no, page[-1].key)
        return count
