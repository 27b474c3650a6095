"""Sends deliveries, one attempt at a time each, and acts on what the answers show."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import assert_never

from penstock.engine.announcer import Announcer
from penstock.engine.decide import Policy, SendAgain, Settle, Tried, decide
from penstock.engine.delivery import Delivery
from penstock.engine.feeder import failed_in_mapping
from penstock.engine.outbox import Outbox
from penstock.engine.parts import Parts
from penstock.engine.settler import Settler
from penstock.engine.stop import Ended, Stop
from penstock.errors import RowError, SourceUnreachable
from penstock.ledger.base import Settlement
from penstock.ledger.states import RowState
from penstock.pacing.backoff import full_jitter
from penstock.pacing.mishaps import Mishaps
from penstock.rows import Row
from penstock.target.verdicts import Accepted, Blame, NotSent, Refused, Throttled, Unknown, Verdict

# A row that waited longer than this since it was read is read again before it goes out for the first time.
STALE = 60.0
REFRESHED_AT_ONCE = 500


@dataclass
class Tally:
    """What this worker has done in this run. sent: rows that went out at least once; attempts: requests in all."""

    sent: int = 0
    attempts: int = 0
    imported: int = 0


class Senders:
    def __init__(
        self, parts: Parts, outbox: Outbox, announcer: Announcer, settler: Settler, stop: Stop, mishaps: Mishaps
    ) -> None:
        self.tally = Tally()
        self._parts = parts
        self._pace = parts.pace
        self._policy = Policy(parts.settings.idempotent, parts.settings.idempotent_for, parts.settings.attempts)
        self._outbox = outbox
        self._announcer = announcer
        self._settler = settler
        self._stop = stop
        self._mishaps = mishaps
        self._time = asyncio.get_running_loop().time
        self._refreshing = asyncio.Lock()

    async def send_for_ever(self) -> None:
        """One sender: at most one request on the wire. Returns when the outbox is closed."""
        outbox, send, now = self._outbox, self._parts.sender.send, self._time
        while (delivery := await outbox.take()) is not None:
            if now() - delivery.read_at > STALE and not await self._is_fresh(delivery):
                outbox.left()
                continue
            began = now()
            outcome = await send(delivery.request)
            ended = now()
            outbox.left()
            self._conclude(delivery, self._parts.classify(outcome, delivery.row), began, ended)
            # A sender that waits must not keep a row, and its page, in memory.
            del delivery, outcome

    def _conclude(self, delivery: Delivery, verdict: Verdict, began: float, ended: float) -> None:
        holding = self._pace.hold is not None
        self._tell_pace(verdict, began, ended)
        if not isinstance(verdict, NotSent):
            self.tally.attempts += 1
            self.tally.sent += delivery.sends == 0
            delivery.sends += 1
            if self._policy.idempotent_for is not None and delivery.first_sent is None:
                delivery.first_sent = time.time() - (ended - began)
        age = time.time() - delivery.first_sent if delivery.first_sent is not None else 0.0
        step = decide(verdict, Tried(delivery.key, delivery.attempts, age, holding), self._policy)
        match step:
            case Settle(settlement):
                if settlement.state is RowState.IMPORTED:
                    self.tally.imported += 1
                    settlement = settlement._replace(fingerprint=self._parts.fingerprint(delivery.row))
                self._finish(delivery, settlement)
            case SendAgain():
                self._send_again(delivery, step)
            case _:
                assert_never(step)

    def _finish(self, delivery: Delivery, settlement: Settlement) -> None:
        range_ = delivery.range
        self._mishaps.finished(bad=settlement.state in (RowState.FAILED, RowState.IN_DOUBT))
        if self._mishaps.are_too_many:
            self._stop.drain(
                Ended.STOP_AT, f"{self._mishaps.bad} of the last rows failed or are in doubt (delivery.stop_at)"
            )
        if range_.is_lost:
            self._late(delivery, settlement)
            return
        self._settler.add(range_, settlement)
        range_.left_window(delivery.window)

    def _send_again(self, delivery: Delivery, step: SendAgain) -> None:
        range_ = delivery.range
        delivery.attempts = step.attempts
        delivery.reason = step.reason
        delivery.status = step.status
        if range_.is_lost:
            self._late(delivery, delivery.waiting())
            return
        if self._parts.journal is not None:
            # Proven not applied: without this line a crash now would leave the row in doubt.
            self._parts.journal.append(range_.lease.range_no, range_.lease.fence, delivery.waiting())
        range_.left_window(delivery.window)
        settings = self._parts.settings
        wait = step.wait
        if wait is None:
            wait = full_jitter(
                max(step.attempts, 1), settings.first_backoff, settings.longest_backoff, self._parts.random
            )
        self._announcer.send_again(delivery, wait)

    def _late(self, delivery: Delivery, settlement: Settlement) -> None:
        self._settler.add_late(delivery.range, settlement)

    def _tell_pace(self, verdict: Verdict, began: float, ended: float) -> None:
        pace = self._pace
        match verdict:
            case Accepted():
                if pace.accepted(ended - began, ended):
                    self._outbox.pump()
            case Refused(_, reason, Blame.JOB) | Unknown(reason, _, _, Blame.JOB) | NotSent(reason):
                pace.held(reason, ended, sent_at=began)
            case Refused():
                pace.refused()
            case Throttled(_, reason, retry_after):
                pace.throttled(reason, retry_after, ended)
            case Unknown(reason):
                pace.unknown(reason, ended)
            case _:
                assert_never(verdict)

    async def _is_fresh(self, delivery: Delivery) -> bool:
        """Read rows that waited long once more, many at a time. False: this one ended here, it left the query or does not map."""
        async with self._refreshing:
            if self._time() - delivery.read_at > STALE and self._may_change(delivery):
                stale = self._outbox.stale(self._time() - STALE, REFRESHED_AT_ONCE)
                await self._refresh([delivery, *filter(self._may_change, stale)])
        return self._is_current(delivery)

    def _may_change(self, delivery: Delivery) -> bool:
        """An idempotent row that may have arrived goes out again with the very same bytes."""
        return not (self._policy.idempotent and delivery.sends)

    async def _refresh(self, deliveries: list[Delivery]) -> None:
        try:
            found = await self._parts.source.read_keys([delivery.key for delivery in deliveries])
        except SourceUnreachable:
            return  # what was read is sent: late is better than never, and verify shows what changed since
        read_at = self._time()
        for delivery in deliveries:
            delivery.read_at = read_at
            row = found.get(delivery.key)
            if row is None:
                delivery.ends_as = Settlement(
                    delivery.key, RowState.SKIPPED, delivery.attempts, reason="gone from the query"
                )
            elif row != delivery.row:
                self._map_again(delivery, row)

    def _map_again(self, delivery: Delivery, row: Row) -> None:
        try:
            request = self._parts.render(row)
        except RowError as error:
            delivery.ends_as = failed_in_mapping(row, error, delivery.attempts)
            return
        if request is None:
            delivery.ends_as = Settlement(row.key, RowState.SKIPPED, delivery.attempts, reason="skipped by the mapping")
            return
        delivery.row, delivery.request = row, request

    def _is_current(self, delivery: Delivery) -> bool:
        if delivery.ends_as is None:
            return True
        self._finish(delivery, delivery.ends_as)
        return False
