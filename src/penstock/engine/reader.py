"""Finds work: leases ranges, has new ones planned, reads their rows page by page, sweeps at the end. Knows when the run is over.

No cursor, transaction or lock is held between pages; the next page is read while the rows of this one are on the wire.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from penstock.engine.delivery import RELIED_UPON, OpenRange, OpenRanges
from penstock.engine.legacies import settle_legacies
from penstock.engine.parts import Parts
from penstock.engine.planner import PAGE, Planner
from penstock.engine.prober import Prober
from penstock.engine.settler import Settler
from penstock.engine.stop import Stop
from penstock.engine.sweep import FOUND_BY_SWEEP, sweep
from penstock.errors import JobError, LeaseLost, Unreachable
from penstock.ledger.ranges import Lease, RangeKind
from penstock.ledger.rows import FLAG_SET_BEFORE, LedgerRow, Settlement
from penstock.ledger.states import RowState
from penstock.pacing.backoff import full_jitter
from penstock.pacing.pace import Hold
from penstock.rows import KeyText, Row
from penstock.source.base import Bounds
from penstock.transport.base import Broker

MOST_SWEEPS = 3
MOST_LOOKS_BACK = 3  # at the end, that find something
HEAR = 0.1  # seconds in which a broker that has something hands it out
LOOK_AGAIN = 0.5  # seconds between looks at the ledger while others hold what is left
ASKED_FOR = "asked for by key"  # `run --key`
GONE = "gone from the query"


@dataclass(frozen=True, slots=True)
class Page:
    """Rows to deliver, each with what the ledger knows of it. read_at: on the loop's clock."""

    range: OpenRange
    rows: Sequence[tuple[Row, LedgerRow | None]]
    read_at: float


class _Trouble(NamedTuple):
    hold: Hold
    tries: int


class Reader:
    """only: deliver this range and nothing else (`run --key`). prober: asks about rows in doubt before the run is over."""

    def __init__(
        self,
        parts: Parts,
        ranges: OpenRanges,
        settler: Settler,
        stop: Stop,
        planner: Planner,
        *,
        only: int | None,
        prober: Prober | None = None,
    ) -> None:
        self._parts = parts
        self._ranges = ranges
        self._settler = settler
        self._stop = stop
        self._planner = planner
        self._only = only
        self._prober = prober
        self._sweeps: _Sweeps | None = None  # made at the first look
        self._finding = asyncio.Lock()
        self._being_read: set[OpenRange] = set()
        self._troubles: dict[OpenRange | None, _Trouble] = {}  # by the range whose reading it is; None: finding one
        self._has_looked_back = only is not None
        self._has_ended = False
        self._looks_back = MOST_LOOKS_BACK

    @property
    def trouble(self) -> Hold | None:
        """Why reading waits, and for how long what has waited longest."""
        waiting = [trouble.hold for range_, trouble in self._troubles.items() if range_ is None or not range_.is_gone]
        return min(waiting, key=lambda hold: hold.since, default=None)

    async def pages(self) -> AsyncIterator[Page]:
        """Every page there is for this worker, until the run is over or asked to stop. Several may be gone through at once: each
        finds a range when the one before has found its own, and they read different ones."""
        while not self._stop.is_asked:
            range_: OpenRange | None = None
            try:
                async with self._finding:
                    if not self._has_ended:
                        range_ = await self._find()
                self._troubles.pop(None, None)
                if self._has_ended:
                    self._parts.bell.ring()  # whoever else reads need not wait to see it
                    return
                if range_ is None:
                    await self._parts.bell.wait(LOOK_AGAIN)
                    continue
                try:
                    async for page in self._pages_of(range_):
                        self._troubles.pop(range_, None)
                        yield page
                finally:
                    self._being_read.discard(range_)
                self._troubles.pop(range_, None)
            except Unreachable as error:
                await self._wait_out(error, range_)
            except LeaseLost as lost:
                self._settler.lose(lost.range_no)

    async def _find(self) -> OpenRange | None:
        """The next range to read. There being none, the run may have ended."""
        if not self._has_looked_back:
            await settle_legacies(self._parts)
            self._has_looked_back = True
        self._sweeps = self._sweeps or _Sweeps(await self._parts.ledger.last_sweep())
        if not self._parts.pace.has_share:
            return None  # a range that this worker may not work on would wait here for nothing
        range_ = await self._next_range(self._sweeps)
        if range_ is not None:
            self._being_read.add(range_)
        else:
            self._has_ended = await self._is_over(self._sweeps)
        return range_

    async def _wait_out(self, error: Unreachable, what: OpenRange | None) -> None:
        """The source or the ledger does not answer: try again, further and further apart; the watch gives up after a while.
        Whoever tries next, it is the same trouble."""
        before = self._troubles.get(what)
        since = before.hold.since if before else asyncio.get_running_loop().time()
        tries = before.tries + 1 if before else 1
        self._troubles[what] = _Trouble(Hold(str(error), since), tries)
        await self._stop.asked_within(0.1 + full_jitter(tries, 0.2, 10.0, self._parts.random))

    async def _next_range(self, sweeps: _Sweeps) -> OpenRange | None:
        """Lease a range, or plan one, or sweep: the first that gives something to read."""
        parts = self._parts
        for range_ in self._ranges:
            if not range_.is_read and range_ not in self._being_read:
                return range_  # its reading broke off
        if parts.broker is not None and self._only is None:
            handed_out = await self._handed_out(parts.broker)
            if handed_out is not None or self._stop.is_asked:
                return handed_out
        while True:
            began = parts.clock.boottime()
            lease = await self._lease(self._only)
            if lease is None and self._only is None and not self._planner.has_planned_all:
                lease = await self._planner.plan()
                if lease is None and self._planner.has_news and not self._stop.is_asked:
                    continue
            if lease is None and self._only is None and self._planner.has_planned_all and not self._has_span:
                lease = await self._start_sweep(sweeps)
            return None if lease is None else self._open(lease, began)

    @property
    def _has_span(self) -> bool:
        """Whether a span of its own is not done yet: so long no sweep can begin, and the ledger need not be asked."""
        return any(range_.lease.kind is RangeKind.SPAN for range_ in self._ranges)

    async def _handed_out(self, broker: Broker) -> OpenRange | None:
        """Lease what the broker hands out; None: it has nothing, so look into the ledger."""
        while not self._stop.is_asked and (number := await broker.take(HEAR)) is not None:
            began = self._parts.clock.boottime()
            lease = None
            try:
                lease = await self._lease(number)
            finally:
                if lease is None:  # another's by now, or done, or the ledger does not answer
                    broker.done(number)
            if lease is not None:
                return self._open(lease, began)
        return None

    async def _lease(self, only: int | None) -> Lease | None:
        parts = self._parts
        return await parts.ledger.lease(parts.owner, parts.settings.lease, parts.recall, parts.is_dead, only)

    def _open(self, lease: Lease, began: float) -> OpenRange:
        range_ = OpenRange(lease, began + RELIED_UPON * self._parts.settings.lease)
        self._ranges.open(range_)
        return range_

    async def _start_sweep(self, sweeps: _Sweeps) -> Lease | None:
        sweeps.heard(await self._parts.ledger.last_sweep())
        if sweeps.are_over:
            return None
        return await self._parts.ledger.start_sweep(self._parts.owner, self._parts.settings.lease)

    async def _is_over(self, sweeps: _Sweeps) -> bool:
        if self._only is not None:
            return not await self._parts.ledger.waiting(self._only, None, 1)
        if len(self._ranges) or self._settler.has_late:
            return False  # rows of a range that is lost, known or not known yet, may become pending again
        sweeps.heard(await self._parts.ledger.last_sweep())
        if not self._planner.has_planned_all or not sweeps.are_over or await self._parts.ledger.unfinished():
            return False
        if self._looks_back and await settle_legacies(self._parts):
            self._looks_back -= 1  # a worker that stood still all along has been ended meanwhile
            return False
        return self._prober is None or await self._prober.has_finished()

    async def _pages_of(self, range_: OpenRange) -> AsyncIterator[Page]:
        match range_.lease.kind:
            case RangeKind.SPAN:
                async for page in self._span_pages(range_):
                    yield page
            case RangeKind.KEYS:
                async for page in self._keys_pages(range_):
                    yield page
            case RangeKind.SWEEP:
                if await sweep(self._parts.source, self._parts.ledger, range_.lease, self._stop):
                    self._ranges.close(range_)

    async def _span_pages(self, range_: OpenRange) -> AsyncIterator[Page]:
        source, ledger, lease = self._parts.source, self._parts.ledger, range_.lease
        if lease.upto is None:
            raise AssertionError("a span has an upper bound")
        if range_.left_waiting is None:
            range_.left_waiting = await self._left_waiting(lease)
        while not range_.is_read and not range_.is_gone:
            after = range_.read_upto or lease.after
            page = await source.read_span(after, lease.upto, PAGE)
            read_at = asyncio.get_running_loop().time()
            keys = [row.key for row in page.rows]
            known = await ledger.look_up(keys) if keys else {}
            new = [key for key in keys if key not in known]
            flagged = await self._flagged(new, (after, keys[-1]) if keys else None)
            rows = self._leave_out(range_, page.rows, known, flagged)
            if keys:
                range_.read_upto = keys[-1]
            range_.left_waiting.difference_update(keys)
            if page.at_end:
                for key in range_.left_waiting:
                    self._skip(range_, key, GONE)
            self._read(range_, len(rows), at_end=page.at_end)
            yield Page(range_, rows, read_at)

    async def _left_waiting(self, lease: Lease) -> set[KeyText]:
        """Rows of the span that an earlier lease left pending: those which no page shows any more must not wait for ever."""
        left: set[KeyText] = set()
        after: KeyText | None = None
        while lease.fence > 1 and (rows := await self._parts.ledger.waiting(lease.range_no, after, PAGE)):
            left.update(row.key for row in rows)
            after = rows[-1].key
        return left

    async def _keys_pages(self, range_: OpenRange) -> AsyncIterator[Page]:
        source, ledger = self._parts.source, self._parts.ledger
        while not range_.is_read and not range_.is_gone:
            most = min(PAGE, source.rows_at_once)
            waiting = await ledger.waiting(range_.lease.range_no, range_.read_upto, most)
            found = await source.read_keys([row.key for row in waiting]) if waiting else {}
            read_at = asyncio.get_running_loop().time()
            unseen = [row.key for row in waiting if row.reason in (FOUND_BY_SWEEP, ASKED_FOR)]
            flagged = await self._flagged(unseen)
            rows: list[tuple[Row, LedgerRow | None]] = []
            for row in waiting:
                if row.key not in found:
                    self._skip(range_, row.key, GONE)
                elif row.key in flagged:
                    self._skip(range_, row.key, FLAG_SET_BEFORE)
                else:
                    rows.append((found[row.key], row))
            if waiting:
                range_.read_upto = waiting[-1].key
            self._read(range_, len(rows), at_end=len(waiting) < most)
            yield Page(range_, rows, read_at)

    def _read(self, range_: OpenRange, rows: int, *, at_end: bool) -> None:
        # Counted before anybody is handed the rows: a range must never look complete while rows of it are still to come.
        range_.outstanding += rows
        range_.is_read = at_end
        if range_.is_complete:
            self._settler.look()

    async def _flagged(self, keys: Sequence[KeyText], within: Bounds | None = None) -> frozenset[KeyText]:
        flagged = await self._parts.source.flagged(keys, within) if keys else frozenset()
        if flagged and self._parts.settings.refuses_flagged:
            raise JobError(
                f"row {min(flagged)} has its flag set and no row in the ledger, and flag.existing is refuse: "
                "clear the flag, or set flag.existing: skip (leave such rows alone) or ignore (send them)"
            )
        return flagged

    def _leave_out(
        self,
        range_: OpenRange,
        rows: Sequence[Row],
        known: Mapping[KeyText, LedgerRow],
        flagged: frozenset[KeyText],
    ) -> list[tuple[Row, LedgerRow | None]]:
        """What is final stays final; what waits in another range is that range's."""
        if not known and not flagged:  # as nearly always
            return [(row, None) for row in rows]
        mine: list[tuple[Row, LedgerRow | None]] = []
        for row in rows:
            before = known.get(row.key)
            if row.key in flagged:
                self._skip(range_, row.key, FLAG_SET_BEFORE)
            elif before is None or (not before.state.is_final and before.range_no == range_.lease.range_no):
                mine.append((row, before))
        return mine

    def _skip(self, range_: OpenRange, key: KeyText, reason: str) -> None:
        range_.outstanding += 1
        self._settler.add(range_, [Settlement(key, RowState.SKIPPED, reason=reason)])


class _Sweeps:
    """How many sweeps have ended since this worker began to look, and whether they are enough."""

    def __init__(self, last: tuple[int, int] | None) -> None:
        self._last_no = last[0] if last else 0
        self._count = 0
        self._found_nothing = False

    def heard(self, last: tuple[int, int] | None) -> None:
        if last is not None and last[0] > self._last_no:
            self._last_no = last[0]
            self._count += 1
            self._found_nothing = last[1] == 0

    @property
    def are_over(self) -> bool:
        return self._found_nothing or self._count >= MOST_SWEEPS
