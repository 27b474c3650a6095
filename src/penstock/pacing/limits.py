"""How many requests may be on the wire at once when the job file does not say: a limit that finds out what the API bears.

docs/adr/0013-auto-finds-what-the-api-bears.md tells what was tried and why it is this.
"""

from __future__ import annotations

import math

from penstock.pacing.ceiling import Ceiling
from penstock.pacing.failures import Failures
from penstock.pacing.looking import OF_WHAT_IS_BORNE, Look, Schedule, agree
from penstock.pacing.window import Window

# A quarter more than is borne is kept on the wire, so that the API never waits for the next request.
HEADROOM = 0.25
# Half a millisecond more is no queue: it is this machine.
SLACK = 0.0005
# Shorter than this is told only by a clock that is coarse.
CLOCK_TICK = 1e-6
# Below this share of the known latency there is a queue.
QUEUES = 0.85
# With less than this share of the limit on the wire, something else keeps the run back, and the answers tell nothing about more.
IS_USED = 0.7
# The limit has moved so far since the last look that it is time for another.
FELL, ROSE = 0.5, 1.6
# Of what was on the wire, when too many attempts fail.
AFTER_FAILURES = 0.75


class AdaptiveLimit:
    """`concurrency: auto`. By Little's law, of n requests on the wire n * (unloaded latency / latency) are being worked on and
    the others queue; the limit is what is being worked on and a quarter more (the form of FAST TCP: Jin, Wei, Low, 2004, with
    the target in proportion). The unloaded latency is looked at now and then; what is rejected lowers a ceiling.

    All times are seconds on one steady clock. most: above which it never goes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = 1.0
        self._ceiling = Ceiling()
        self._schedule = Schedule()
        self._baseline = math.inf  # the unloaded latency
        self._window: Window | None = None
        self._look: Look | None = None
        self._has_looked = False
        self._at_last_look = 1.0
        self._borne = 1.0
        self._latency = math.inf  # lately
        self._failures = Failures()
        self._workers = 1
        self._elsewhere = 0

    @property
    def value(self) -> int:
        """Requests that this worker may have on the wire at once."""
        return self._look.value if self._look is not None else max(1, int(self._limit + 0.5))

    def share(self, *, workers: int, elsewhere: int, ahead: float, now: float) -> None:
        """How many workers send to this API, what the others have on the wire, and by how many seconds the clock that all of
        them share is ahead of `now`."""
        self._workers = workers
        self._elsewhere = elsewhere
        self._schedule.share(workers, ahead, now)

    def begin_again(self, now: float) -> None:
        """After a hold or a pause: from one, as at the start. What an unloaded answer takes is still known."""
        self._limit = 1.0
        self._ceiling = Ceiling()
        self._failures.forget()
        self._drop_look(now)

    def answered(self, latency: float, among: int, now: float) -> None:
        """A request came back in good order after `latency` seconds; `among` so many was it on the wire, itself included."""
        self._failures.count(failed=False)
        latency = max(latency, CLOCK_TICK)
        if self._look is not None:
            found = self._look.answered(latency, among, now)
            if found is not None:
                self._looked(self._look, found, now)
            return
        if now >= self._schedule.due_at:
            self._begin_look(now)
            return
        if self._window is None:
            self._window = Window(now - latency)
        self._window.add(latency, among)
        is_slow = self._window.count >= 6 and self._window.latency > 3 * self._baseline
        if is_slow or self._window.is_telling(now):
            window, self._window = self._window, None
            self._steer(window, now)

    def throttled(self, sent_at: float, among: int, now: float) -> None:
        """The API said that this request was too much."""
        self._reject(among - 1.0, sent_at, now)

    def failed(self, sent_at: float, among: int, now: float) -> None:
        """The API broke or did not answer. Few of these have other reasons than too many requests."""
        self._failures.count(failed=True)
        if self._failures.are_too_many:
            self._failures.forget()
            self._reject(AFTER_FAILURES * among, sent_at, now)

    def _reject(self, upto: float, sent_at: float, now: float) -> None:
        bound = min(self._limit, upto)
        if self._ceiling.lower(bound, sent_at=sent_at, round_trip=self._round_trip, now=now):
            self._limit = self._ceiling.value
            self._drop_look(now)

    def _steer(self, window: Window, now: float) -> None:
        latency, among, before = window.latency, window.among, self._limit
        if not self._has_looked:
            self._baseline = min(self._baseline, latency + window.doubt)
        share = min(1.0, (self._baseline + SLACK) / (latency - window.doubt))
        borne = among * share
        target = borne + self._headroom(borne, self._elsewhere * share)
        is_used = among >= IS_USED * before
        if target >= before:
            self._limit = target if is_used else before
        elif share < QUEUES:
            self._limit = max(target, before / 2)
        if self._limit >= self._ceiling.value:
            self._ceiling.rise(round_trip=self._round_trip, now=now)
        self._limit = max(1.0, min(self._limit, self._ceiling.value, self._most))
        self._borne, self._latency = borne, latency
        if self._is_in_doubt(stalled=is_used and target < 1.05 * before):
            self._schedule.soon(now)

    def _headroom(self, borne: float, borne_elsewhere: float) -> float:
        """The same for every worker, so that they come to have equally many on the wire; but never more than doubling."""
        fair = HEADROOM * (borne + borne_elsewhere) / self._workers
        return max(1.0 / min(self._workers, 2), min(borne, fair))

    def _is_in_doubt(self, *, stalled: bool) -> bool:
        if not self._has_looked:
            return stalled  # by a queue, or by a baseline that was too good to be true
        return not FELL <= self._limit / self._at_last_look <= ROSE

    @property
    def _round_trip(self) -> float:
        return 0.0 if self._baseline == math.inf else self._baseline

    def _begin_look(self, now: float) -> None:
        self._schedule.begins(now)
        limit = max(1.0, OF_WHAT_IS_BORNE * self._borne)
        self._look = Look(limit, baseline=self._baseline, before=self._latency, now=now)

    def _drop_look(self, now: float) -> None:
        """What is on the wire has another cause than a look or a window supposes: both begin anew."""
        self._window = None
        if self._look is not None:
            self._look = None
            self._schedule.soon(now)

    def _looked(self, look: Look, found: float, now: float) -> None:
        confirms = agree(found, self._baseline)
        self._baseline = (self._baseline + found) / 2 if confirms and self._has_looked else found
        if look.has_descended:
            self._limit = min(self._limit, 2 * look.limit)
        self._has_looked = True
        self._at_last_look = self._limit
        self._look = self._window = None
        self._schedule.ended(confirms=confirms, now=now)
