"""Sends deliveries, one attempt at a time each, and acts on what the answers show.

No task waits for an answer. Those that one turn of the loop brings are acted on together, stage by stage, and the next requests
go out from there: a stage that runs for many rows at once finds its code and data where the processor left them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias, assert_never

from penstock.engine.announcer import Announcer
from penstock.engine.decide import Policy, SendAgain, decide, imported
from penstock.engine.delivery import Delivery, OpenRange
from penstock.engine.feeder import failed_in_mapping
from penstock.engine.outbox import Outbox
from penstock.engine.parts import AnswerLog, Parts
from penstock.engine.reader import GONE
from penstock.engine.settler import Settler
from penstock.engine.stop import Stop
from penstock.engine.tallies import Tallies
from penstock.errors import PenstockError, RowError, SourceUnreachable
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState
from penstock.pacing.backoff import full_jitter
from penstock.rows import KeyText, Row
from penstock.target.base import Outcome
from penstock.target.verdicts import Accepted, Blame, NotSent, Refused, Throttled, Unknown

# A row that waited longer than this since it was read is read again before it goes out for the first time.
STALE = 60.0
REFRESHED_AT_ONCE = 500

# A delivery's attempt, as its answer came in: when it began, among how many on the wire (itself included), when it ended, and
# what it came to. (A plain tuple: there is one for each row.)
_Came: TypeAlias = tuple[Delivery, float, int, float, Outcome]


class Senders:
    """tell: called when the API means the other workers too."""

    def __init__(
        self,
        parts: Parts,
        outbox: Outbox,
        announcer: Announcer,
        settler: Settler,
        tallies: Tallies,
        stop: Stop,
        loops: asyncio.TaskGroup,
        *,
        tell: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._pace = parts.pace
        self._policy = Policy(parts.settings.idempotent, parts.settings.idempotent_for, parts.settings.attempts)
        self._outbox = outbox
        self._announcer = announcer
        self._settler = settler
        self._tallies = tallies
        self._stop = stop
        self._start = parts.sender.start
        self._classify = parts.classify
        self._journal = parts.journal
        self._fingerprint = parts.fingerprint
        loop = asyncio.get_running_loop()
        self._time = loop.time
        self._call_soon = loop.call_soon
        self._came: list[_Came] = []
        self._broken: asyncio.Future[None] = loop.create_future()
        self._refreshing = asyncio.Lock()
        self._loops = loops
        self._tell = tell

    async def watch(self) -> None:
        """Raises what went wrong while an answer was acted on; cancelled, nothing is acted on any more, and nothing goes out."""
        try:
            await self._broken
        finally:
            self._broken.cancel()
            self._outbox.close()

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """The outbox lets them go: one attempt each, whose answer is acted on when it comes."""
        now = self._time()
        fresh: list[Delivery] = []
        for delivery in deliveries:
            if now - delivery.read_at > STALE:
                self._loops.create_task(self._read_again_and_send(delivery))
            else:
                fresh.append(delivery)
        self._send(fresh)

    async def _read_again_and_send(self, delivery: Delivery) -> None:
        # While it was read again, its lease may have become too short, or is gone.
        if await self._read_again(delivery) and self._outbox.may_start(delivery):
            self._send((delivery,))
            return
        self._outbox.put((delivery,))
        self._outbox.left()
        self._outbox.pump_soon()

    def _send(self, deliveries: Iterable[Delivery]) -> None:
        try:
            going = [
                delivery
                for delivery in deliveries
                # As it was announced, nearly always: then there is nothing to look at.
                if (delivery.fingerprint is not None and delivery.first_sent is None and delivery.ends_as is None)
                or self._goes_now(delivery)
            ]
            if not going:
                return
            if self._journal is not None:
                self._withdraw(self._journal, going)
            now, among, answered = self._time(), self._outbox.in_flight, self._answered
            self._start([(delivery.request, partial(answered, delivery, now, among)) for delivery in going])
        except Exception as error:
            self._break(error)

    def _goes_now(self, delivery: Delivery) -> bool:
        if self._goes_as_it_is(delivery):
            return True
        self._outbox.left()
        self._outbox.pump_soon()
        return False

    def _withdraw(self, journal: AnswerLog, deliveries: Sequence[Delivery]) -> None:
        """What was known of them holds no more once the kernel has a byte."""
        by_range: defaultdict[int, list[KeyText]] = defaultdict(list)
        for delivery in deliveries:
            by_range[delivery.range.lease.range_no].append(delivery.key)
        for range_no, keys in by_range.items():
            journal.withdraw(range_no, keys)

    def _goes_as_it_is(self, delivery: Delivery) -> bool:
        """Whether it is to be sent at all, and stands in its window as what it is now. If not, what follows is done here."""
        if delivery.ends_as is not None:  # it left the query, or does not map any more
            self._finish(delivery, delivery.ends_as)
            return False
        if delivery.first_sent is not None and self._is_too_late(delivery):
            return False
        if delivery.window and delivery.fingerprint is None:
            # Read again, it is not what its window says: should this worker die now, nobody could tell what was sent.
            self._announcer.send_again(delivery, 0.0)
            return False
        return True

    def _answered(self, delivery: Delivery, began: float, among: int, outcome: Outcome) -> None:
        if not self._came:
            self._call_soon(self._act)
        self._came.append((delivery, began, among, self._time(), outcome))

    def _act(self) -> None:
        """On all that has come in since the loop's last turn."""
        came, self._came = self._came, []
        self._outbox.left(len(came))
        if self._broken.done():
            return
        try:
            self._conclude_all(came)
        except Exception as error:
            self._break(error)
        # What the journal is to hold of them goes into its file together with what goes out next.
        self._outbox.pump()

    def _break(self, error: Exception) -> None:
        """The loop, which called, would swallow it. And nothing goes out any more."""
        if not self._broken.done():
            self._broken.set_exception(error)
            self._outbox.close()  # at once: whoever watches hears of it a turn later

    def _conclude_all(self, came: Sequence[_Came]) -> None:
        """In the order in which they came: how many of the last rows went wrong is counted in it."""
        classify, pace = self._classify, self._pace
        verdicts = [classify(outcome, delivery.row) for delivery, _, _, _, outcome in came]
        accepted: list[tuple[Delivery, Accepted]] = []
        for (delivery, began, among, ended, _), verdict in zip(came, verdicts, strict=True):
            if isinstance(verdict, Accepted):  # nearly always
                pace.accepted(ended - began, among, ended)
                accepted.append((delivery, verdict))
                continue
            self._accept(accepted)
            accepted.clear()
            self._conclude(delivery, verdict, began, ended, among)
        self._accept(accepted)

    def _accept(self, accepted: Sequence[tuple[Delivery, Accepted]]) -> None:
        by_range: defaultdict[OpenRange, list[Settlement]] = defaultdict(list)
        first = 0
        for delivery, verdict in accepted:
            first += delivery.sends == 0
            delivery.sends += 1
            delivery.sent_as = delivery.fingerprint or self._fingerprint(delivery.row)
            by_range[delivery.range].append(imported(verdict, delivery))
            if delivery.window and not delivery.range.is_gone:
                delivery.leave_window(has_ended=True)
        self._tallies.attempted(first, len(accepted) - first)
        for range_, settlements in by_range.items():
            if range_.is_gone:
                self._settler.add_late(range_, settlements)
            else:
                self._settler.add(range_, settlements)

    def _conclude(
        self,
        delivery: Delivery,
        verdict: Refused | Throttled | NotSent | Unknown,
        began: float,
        ended: float,
        among: int,
    ) -> None:
        holding = self._pace.is_holding
        self._tell_pace(verdict, began, ended, among)
        if not isinstance(verdict, NotSent):
            is_first = delivery.sends == 0
            self._tallies.attempted(int(is_first), int(not is_first))
            delivery.sends += 1
        if isinstance(verdict, Unknown):
            delivery.sent_as = delivery.exposed_as
            delivery.first_sent = delivery.first_sent or delivery.announced_at
            delivery.doubt = verdict
        age = 0.0 if delivery.first_sent is None else self._parts.clock.now().timestamp() - delivery.first_sent
        step = decide(verdict, delivery, self._policy, age=age, holding=holding)
        if isinstance(step, SendAgain):
            self._send_again(delivery, step)
            return
        if delivery.doubt is not None and delivery.doubt is not verdict and step.state is RowState.FAILED:
            step = step._replace(reason=f"{step.reason}; before that: {delivery.doubt.reason}")
        self._finish(delivery, step)

    def _finish(self, delivery: Delivery, settlement: Settlement) -> None:
        range_ = delivery.range
        if range_.is_gone:
            self._settler.add_late(range_, [settlement])
            return
        self._settler.add(range_, [settlement])
        if delivery.window:
            delivery.leave_window(has_ended=True)

    def _send_again(self, delivery: Delivery, step: SendAgain) -> None:
        range_ = delivery.range
        delivery.attempts = step.attempts
        delivery.reason = step.reason
        delivery.status = step.status
        if range_.is_gone:
            self._settler.add_late(range_, [delivery.waiting()])
            return
        if self._journal is not None:
            # Proven not applied: without this line a crash now would leave the row in doubt.
            self._journal.append(range_.lease.range_no, range_.lease.fence, [delivery.waiting()])
        if delivery.first_sent is None:
            delivery.leave_window()  # else it stands there, until it is announced again, since when it may have been applied
        settings = self._parts.settings
        wait = step.wait
        if wait is None:
            wait = full_jitter(
                max(step.attempts, 1), settings.first_backoff, settings.longest_backoff, self._parts.random
            )
        self._announcer.send_again(delivery, wait)

    def _is_too_late(self, delivery: Delivery) -> bool:
        """Whether the row has waited, in a hold perhaps, until a repeat is not harmless any more: then it has ended here."""
        if not self._parts.settings.repeat_may_harm(delivery.first_sent, self._parts.clock.now().timestamp()):
            return False
        doubt = delivery.doubt or Unknown(delivery.reason)  # that of an earlier worker
        reason = f"{doubt.reason}; idempotent no longer"
        settlement = Settlement(
            delivery.key,
            RowState.IN_DOUBT,
            delivery.attempts,
            doubt.status,
            reason,
            None,
            doubt.answer,
            delivery.sent_as,
        )
        self._finish(delivery, settlement)
        return True

    def _tell_pace(
        self, verdict: Refused | Throttled | NotSent | Unknown, began: float, ended: float, among: int
    ) -> None:
        pace = self._pace
        match verdict:
            case Refused(_, reason, Blame.JOB) | Unknown(reason, _, _, Blame.JOB) | NotSent(reason):
                pace.held(reason, sent_at=began, now=ended)
            case Refused():
                pace.refused(ended)
            case Throttled(_, reason, retry_after):
                if pace.throttled(reason, retry_after, sent_at=began, among=among, now=ended):
                    self._tell()
            case Unknown(reason):
                pace.unknown(reason, sent_at=began, among=among, now=ended)
            case _:
                assert_never(verdict)

    async def _read_again(self, delivery: Delivery) -> bool:
        """Rows that waited long are read once more, many at a time, this one and others behind it. False: the source is not what
        it was, and the run ends."""
        async with self._refreshing:
            if self._time() - delivery.read_at > STALE and self._may_change(delivery):
                stale = self._outbox.stale(
                    self._time() - STALE, min(REFRESHED_AT_ONCE, self._parts.source.rows_at_once)
                )
                try:
                    await self._refresh([delivery, *filter(self._may_change, stale)])
                except PenstockError as error:
                    self._stop.fail(error)
                    return False
        return True

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
                delivery.ends_as = Settlement(delivery.key, RowState.SKIPPED, delivery.attempts, reason=GONE)
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
        delivery.row, delivery.request, delivery.fingerprint = row, request, None
