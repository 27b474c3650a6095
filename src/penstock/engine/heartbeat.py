"""Keeps this worker's leases alive, tells how it fares, and hears what a person or the number of workers has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from penstock.engine.delivery import RELIED_UPON, OpenRange, OpenRanges
from penstock.engine.outbox import Outbox
from penstock.engine.parts import Parts
from penstock.engine.senders import Senders
from penstock.engine.settler import Settler
from penstock.errors import LedgerRefused, LedgerUnreachable
from penstock.ledger.base import Control, Pulse
from penstock.pacing.shares import Share, share_of_count, share_of_rate

BEAT = 1.0
# The older workers hear of a newcomer with their next beat and only then leave it its share.
BEATS_BEFORE_SHARING = 2


class Heartbeat:
    """pulse: how the worker fares right now. give_way: called when the others have all of the job's concurrency.
    rate: requests per second that this worker may send at most, whatever its share.
    """

    def __init__(
        self,
        parts: Parts,
        ranges: OpenRanges,
        outbox: Outbox,
        senders: Senders,
        settler: Settler,
        *,
        pulse: Callable[[], Pulse],
        give_way: Callable[[], None],
        rate: float,
    ) -> None:
        self.control: Control | None = None
        self._parts = parts
        self._ranges = ranges
        self._outbox = outbox
        self._senders = senders
        self._settler = settler
        self._pulse = pulse
        self._give_way = give_way
        self._rate = rate
        self._beats = 0
        self._now = asyncio.Event()
        self._heard = asyncio.Event()

    def beat_now(self) -> None:
        """A lease is too short for another request."""
        self._now.set()

    async def heard(self) -> Control:
        """Wait for the first answer of the ledger."""
        while self.control is None:
            await self._heard.wait()
        return self.control

    async def beat_for_ever(self) -> None:
        while True:
            await self._beat()
            try:
                async with asyncio.timeout(BEAT):
                    await self._now.wait()
                # A lease that cannot be renewed must not make the heart race.
                await asyncio.sleep(BEAT / 10)
            except TimeoutError:
                pass
            self._now.clear()

    async def _beat(self) -> None:
        parts = self._parts
        began = parts.clock.boottime()
        due = [] if self._is_stuck(began) else [range_ for range_ in self._ranges if self._is_due(range_, began)]
        try:
            async with asyncio.timeout(max(5.0, parts.settings.lease / 4)):
                lost, control = await parts.ledger.renew(
                    [range_.lease for range_ in due], parts.settings.lease, parts.owner, self._pulse()
                )
        except (LedgerUnreachable, TimeoutError) as error:
            parts.pace.block("heartbeat", str(error) or "the ledger does not answer", self._loop_time())
            return
        parts.pace.unblock("heartbeat")
        for range_ in due:
            if range_.lease.range_no in lost:
                self._settler.lose(range_.lease.range_no)
            else:
                range_.deadline = began + RELIED_UPON * parts.settings.lease
        self._hear(control)

    def _is_due(self, range_: OpenRange, now: float) -> bool:
        lease = self._parts.settings.lease
        renewed = range_.deadline - RELIED_UPON * lease
        return now - renewed >= lease / 4 or now + self._parts.settings.total_timeout > range_.deadline

    def _is_stuck(self, now: float) -> bool:
        """A pipeline that does not move for so long is not alive, whatever its heart says."""
        return self._outbox.in_flight > 0 and now - self._outbox.ended_at > 2 * self._parts.settings.total_timeout

    def _hear(self, control: Control) -> None:
        settings, pace, now = self._parts.settings, self._parts.pace, self._loop_time()
        self._refuse_to_be_left_behind(control)
        self._beats += 1
        total, adapts = self._concurrency(control)
        rate = settings.rate if control.rate is None else control.rate
        is_new = control.rank > 0 and self._beats <= BEATS_BEFORE_SHARING
        part = 0 if is_new else share_of_count(total, control.workers, control.rank)
        # Where answers are slow, the others may have more on the wire for a while than is their part by now.
        share = min(part, max(0, total - control.in_flight_elsewhere))
        pace.set_share(
            Share(
                concurrency=share,
                rate=min(share_of_rate(rate, min(control.workers, total)), self._rate),
                adapts=adapts,
                workers=control.workers,
                elsewhere=control.in_flight_elsewhere,
                ahead=control.at.timestamp() - now,
            ),
            now,
        )
        pace.set_paused(control.paused, now)
        self._senders.grow(share)
        self._parts.bell.ring()
        if part == 0 and not is_new:
            self._give_way()
        self.control = control
        self._heard.set()
        self._outbox.pump()

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
