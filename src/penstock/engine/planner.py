"""Planning: the keys behind the cursor, span by span, and how many spans a worker makes of them at once.

Alone, a worker makes the one that it needs and leases it with the same commit. Of many that do so at the same moment only one
gets its span. Whoever came too late makes several, one for each worker, and all of them lease these: so the next do not meet at
the cursor at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from penstock.engine.stop import Stop
from penstock.ledger.ranges import Free, Lease, Span
from penstock.rows import KeyText
from penstock.source.base import KeyPage

PAGE = 1000  # rows read at once, at most
SPAN = PAGE - 1  # keys a span bounds, at the least: a page that is not full shows its end at once
# A range costs ten statements, however many rows it has. A fast worker makes them larger: as many pages as it delivers within so
# many seconds, so that nobody waits long for another's last range.
MOST_PAGES = 4
PAGES_SECONDS = 0.25
MOST_AHEAD = 128  # spans that one worker makes for all
# Seconds for each worker, out of which those that came too late at the same moment draw when they look again: most of them then
# find open what the first has made. A ledger bears about 70 ranges a second: each worker needs one less often than that.
STAGGER = 0.012
LONGEST_TURN = 6.0


class Keys(Protocol):
    """What a source does for this; see penstock.source.base."""

    async def next_keys(self, after: KeyText | None, limit: int) -> KeyPage: ...


class Cursor(Protocol):
    """What a ledger does for this; see penstock.ledger.base."""

    async def cursor(self) -> KeyText | None: ...

    async def plan(
        self, after: KeyText | None, upto: KeyText, keys: int, owner: str, seconds: float
    ) -> Lease | None: ...

    async def plan_ahead(self, spans: Sequence[Span]) -> Sequence[Free]: ...


def span_at(rows_per_second: float) -> int:
    """How many keys a worker of this speed puts into a span."""
    pages = int(rows_per_second * PAGES_SECONDS / PAGE)
    return SPAN + (max(1, min(pages, MOST_PAGES)) - 1) * PAGE


async def walk(source: Keys, after: KeyText | None, span: int, most: int, stop: Stop) -> tuple[list[Span], bool]:
    """The next spans of so many keys behind this key, at most so many, and whether the last of them ends at the table's end.
    Once the run is asked to stop, no more than the first."""
    spans: list[Span] = []
    at_end = False
    while len(spans) < most and not at_end and not (spans and stop.is_asked):
        keys = await source.next_keys(after, span)
        # Whatever arrives behind this end is found by the sweep, or by the next run: a table that grows must not keep a run from
        # ending.
        at_end = keys.at_end
        if keys.last is not None:
            spans.append(Span(after, keys.last, keys.keys))
            after = keys.last
    return spans, at_end


class Planner:
    """For a worker that looks into the ledger for its ranges. lease: seconds. workers: how many may need one, as far as is known;
    1: it plans for itself alone. speed: rows a second, of this worker.

    has_planned_all: it has seen the table's end. has_news: after `plan`, ranges may have become open."""

    def __init__(
        self,
        source: Keys,
        ledger: Cursor,
        stop: Stop,
        random: Random,
        *,
        owner: str,
        lease: float,
        workers: Callable[[], int],
        speed: Callable[[], float],
    ) -> None:
        self.has_planned_all = False
        self.has_news = False
        self._source = source
        self._ledger = ledger
        self._stop = stop
        self._random = random
        self._owner = owner
        self._lease = lease
        self._workers = workers
        self._speed = speed
        # Where this worker left the cursor; good until another moves it, and not relied upon any more once one has.
        self._cursor: KeyText | None = None
        self._knows_cursor = False
        self._is_alone = True
        self._came_too_late = False

    async def plan(self) -> Lease | None:
        """Lease the next span; call it when nothing is open. None, and neither all is planned nor is there news: a sweep is under
        way, and what it does not find is planned when it has ended."""
        self.has_news = False
        most = min(self._workers(), MOST_AHEAD)
        if self._came_too_late and most > 1:
            self._came_too_late = False
            await self._plan_ahead(most)
            return None
        cursor = self._cursor if self._knows_cursor else await self._ledger.cursor()
        spans, at_end = await self._walk(cursor, 1)
        if not spans:
            self.has_planned_all = at_end
            return None
        lease = await self._ledger.plan(*spans[0], self._owner, self._lease)
        if lease is None:
            await self._look_why(cursor)
            return None
        self.has_planned_all = at_end
        self._cursor, self._knows_cursor = spans[0].upto, self._is_alone
        return lease

    async def _plan_ahead(self, most: int) -> None:
        """Few first, then twice as many each time: the others have some soon, and of several that do this at once all but one
        hear soon that they need not."""
        cursor, made = await self._ledger.cursor(), 0
        while made < most and not self.has_planned_all and not self._stop.is_asked:
            batch = max(2, most // 32, made)
            spans, at_end = await self._walk(cursor, min(batch, most - made))
            if spans and not await self._ledger.plan_ahead(spans):
                if not made:
                    await self._look_why(cursor)
                return
            self.has_planned_all = at_end
            if not spans:
                return
            cursor, made, self.has_news = spans[-1].upto, made + len(spans), True

    async def _walk(self, after: KeyText | None, most: int) -> tuple[list[Span], bool]:
        return await walk(self._source, after, span_at(self._speed()), most, self._stop)

    async def _look_why(self, cursor: KeyText | None) -> None:
        """Nothing was planned behind this cursor: has another worker been faster, or is a sweep under way?"""
        self._knows_cursor = False
        if await self._ledger.cursor() == cursor:
            return
        self._is_alone = False
        self._came_too_late = self.has_news = True
        longest = min(LONGEST_TURN, STAGGER * self._workers())
        await self._stop.asked_within(self._random.uniform(0.0, longest))
