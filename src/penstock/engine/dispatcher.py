"""Keeps the broker supplied with numbers of ranges: plans some ahead, and publishes whatever the ledger says may be leased.

One worker does it, the oldest of those that use the broker; the next one takes over within a heartbeat or two. It need not know
what the one before had published: a number that is handed out twice is leased once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from penstock.engine.parts import Parts
from penstock.engine.planner import span_at, walk
from penstock.engine.stop import Stop
from penstock.errors import Unreachable
from penstock.ledger.ranges import Free
from penstock.ledger.workers import Control
from penstock.transport.base import Broker

EVERY = 0.2  # seconds between two looks
AHEAD = 6  # ranges for each worker, planned before anybody asks
LEAST_AHEAD = 8
MOST = 500  # ranges looked at in one go
# A number that nobody has leased for so long, while the queue is empty: its message is lost, or waits with a worker that is busy.
LOST_AFTER = 2.0


class Dispatcher:
    """heard: the ledger's last word; None before the first. speed: rows a second, of this worker; the others are taken alike."""

    def __init__(
        self,
        parts: Parts,
        broker: Broker,
        stop: Stop,
        *,
        heard: Callable[[], Control | None],
        speed: Callable[[], float],
    ) -> None:
        self._parts = parts
        self._broker = broker
        self._stop = stop
        self._heard = heard
        self._speed = speed
        self._told: dict[Free, float] = {}  # when each was published, on the loop's clock
        self._planned_all = False

    async def dispatch_for_ever(self) -> None:
        """The loop; while the run drains it goes on telling what others may take."""
        while True:
            control = self._heard()
            if control is None or not control.leads:
                self._told.clear()
            elif not self._broker.trouble:  # else the workers find their ranges in the ledger meanwhile
                with suppress(Unreachable):  # whoever reads or settles says so
                    await self._dispatch(control)
            await asyncio.sleep(EVERY)

    async def _dispatch(self, control: Control) -> None:
        free = await self._free()
        missing = max(LEAST_AHEAD, AHEAD * control.workers) - len(free)
        if missing > 0 and not (self._stop.is_asked or self._planned_all or control.paused):
            free = [*free, *await self._plan(missing)]
        now = asyncio.get_running_loop().time()
        news = [found for found in free if found not in self._told]
        news += await self._lost(free, now)
        confirmed = await self._broker.publish([found.range_no for found in news]) if news else 0
        told = self._told | dict.fromkeys(news[:confirmed], now)
        self._told = {found: told[found] for found in free if found in told}

    async def _free(self) -> Sequence[Free]:
        return await self._parts.ledger.free(MOST, self._parts.owner, self._parts.is_dead)

    async def _lost(self, free: Sequence[Free], now: float) -> Sequence[Free]:
        """Those of which all have been told, and that nobody has taken although no message waits any more."""
        overdue = [found for found in free if now - self._told.get(found, now) > LOST_AFTER]
        return overdue if overdue and await self._broker.depth() == 0 else ()

    async def _plan(self, most: int) -> Sequence[Free]:
        """At most so many spans ahead."""
        ledger = self._parts.ledger
        span = span_at(self._speed())
        spans, at_end = await walk(self._parts.source, await ledger.cursor(), span, most, self._stop)
        planned = await ledger.plan_ahead(spans) if spans else ()
        # Else others have planned all of them, or a sweep is under way: look again.
        self._planned_all = at_end and bool(planned or not spans)
        return planned
