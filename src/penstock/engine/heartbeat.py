"""Keeps this worker's leases alive, tells how it fares, and hears what a person or the number of workers has changed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from penstock.engine.delivery import RELIED_UPON, OpenRange, OpenRanges
from penstock.engine.outbox import Outbox
from penstock.engine.parts import Parts
from penstock.engine.settler import Settler
from penstock.engine.stakes import Stakes
from penstock.errors import LedgerRefused, LedgerUnreachable
from penstock.ledger.workers import SILENT, Control, Pulse, Stake
from penstock.pacing.shares import Share, share_of_count

BEAT = 1.0
# Whoever has not been heard of for longer (SILENT) has sent nothing since: a second for a process that stands still meanwhile.
UNHEARD = SILENT - 1.0


class Heartbeat:
    """pulse: how the worker fares right now. give_way: called when the others have all of the job's concurrency.
    stakes: of the whole run, which may take several workers.
    """

    def __init__(
        self,
        parts: Parts,
        ranges: OpenRanges,
        outbox: Outbox,
        settler: Settler,
        *,
        pulse: Callable[[], Pulse],
        give_way: Callable[[], None],
        stakes: Stakes,
    ) -> None:
        self.control: Control | None = None
        self._parts = parts
        self._ranges = ranges
        self._outbox = outbox
        self._settler = settler
        self._pulse = pulse
        self._give_way = give_way
        self._stakes = stakes
        self._is_leaving = False
        self._looked_at = self._loop_time()
        self._now = asyncio.Event()
        self._heard = asyncio.Event()

    def beat_now(self) -> None:
        """A lease is too short for another request, or the others are to hear of something."""
        self._now.set()

    def leave(self) -> None:
        """Nothing more goes out: what this worker had of the job's limits is the others'."""
        self._is_leaving = True
        self._now.set()

    async def heard(self) -> Control:
        """Wait for the first answer of the ledger."""
        while self.control is None:
            await self._heard.wait()
        return self.control

    async def beat_for_ever(self) -> None:
        while True:
            self._now.clear()
            await self._beat()
            # A lease that cannot be renewed must not make the heart race.
            await asyncio.sleep(BEAT / 10)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.9 * BEAT):
                    await self._now.wait()

    async def _beat(self) -> None:
        parts = self._parts
        began, now = parts.clock.boottime(), self._loop_time()
        pulse = self._tell(now)
        due = [] if self._is_stuck(now) else [range_ for range_ in self._ranges if self._is_due(range_, began)]
        try:
            async with asyncio.timeout(max(5.0, parts.settings.lease / 4)):
                lost, control = await parts.ledger.renew(
                    [range_.lease for range_ in due], parts.settings.lease, parts.owner, pulse
                )
        except (LedgerUnreachable, TimeoutError) as error:
            self._stakes.missed(pulse.stake)
            parts.pace.block("heartbeat", str(error) or "the ledger does not answer", self._loop_time())
            return
        parts.pace.unblock("heartbeat")
        for range_ in due:
            if range_.lease.range_no in lost:
                self._settler.lose(range_.lease.range_no)
            else:
                range_.deadline = began + RELIED_UPON * parts.settings.lease
        self._hear(control, pulse.stake, now)

    def _is_due(self, range_: OpenRange, now: float) -> bool:
        lease = self._parts.settings.lease
        renewed = range_.deadline - RELIED_UPON * lease
        return now - renewed >= lease / 4 or now + self._parts.settings.total_timeout > range_.deadline

    def _is_stuck(self, now: float) -> bool:
        """A pipeline that does not move for so long is not alive, whatever its heart says."""
        return self._outbox.in_flight > 0 and now - self._outbox.ended_at > 2 * self._parts.settings.total_timeout

    def _tell(self, now: float) -> Pulse:
        pulse, pace = self._pulse(), self._parts.pace
        if now - self._looked_at >= BEAT / 2:
            self._looked_at = now
            self._stakes.appetite.look(self._stakes.rate, pace.unused(now))
        return replace(pulse, stake=self._stakes.telling(pulse.in_flight), quiet=pace.quiet(now))

    def _hear(self, control: Control, told: Stake, asked_at: float) -> None:
        settings, pace, stakes, now = self._parts.settings, self._parts.pace, self._stakes, self._loop_time()
        self._refuse_to_be_left_behind(control)
        total, adapts = self._concurrency(control)
        rate = settings.rate if control.rate is None else control.rate
        is_news = stakes.heard(
            told, control, concurrency=total, rate=rate, in_flight=self._outbox.in_flight, is_leaving=self._is_leaving
        )
        pace.set_share(
            Share(
                concurrency=stakes.concurrency,
                rate=stakes.rate,
                adapts=adapts,
                workers=control.workers,
                elsewhere=control.in_flight_elsewhere,
                ahead=control.at.timestamp() - now,
                until=asked_at + self._relied_upon(rate),
            ),
            now,
        )
        pace.heed(control.quiet, now)
        pace.set_paused(control.paused, now)
        if is_news:
            self.beat_now()
        self._parts.bell.ring()
        if share_of_count(total, control.workers, control.rank) == 0:
            self._give_way()
        self.control = control
        self._heard.set()
        self._outbox.pump()

    def _relied_upon(self, rate: float) -> float:
        """Seconds for which this worker's part of the job's limits is surely its own: until it is silent for those who wait for
        its part of the rate, and until the last answer could come no more in time for those who wait for its requests."""
        settings = self._parts.settings
        answered = settings.lease - settings.total_timeout
        return answered if rate == math.inf else min(UNHEARD, answered)

    def _concurrency(self, control: Control) -> tuple[int, bool]:
        """Of the whole job, and whether that is the upper end of what the API turns out to bear."""
        settings = self._parts.settings
        match control.concurrency:
            case None:
                return settings.concurrency, settings.adapts
            case "auto":
                return settings.max_concurrency, True
            case number:
                return number, False

    def _refuse_to_be_left_behind(self, control: Control) -> None:
        """Raises LedgerRefused if the job has gone on without this worker, frozen for a while, in another way than it would."""
        if not control.is_known:
            raise LedgerRefused("the job was reset while this worker was silent: run it again")
        if control.file_hash != self._parts.file_hash:
            raise LedgerRefused(
                "another version of the job file has been run since this worker fell silent: run it again"
            )
        if control.generation != self._parts.generation:
            raise LedgerRefused("the idempotency keys were renewed while this worker was silent: run it again")

    def _loop_time(self) -> float:
        return asyncio.get_running_loop().time()
