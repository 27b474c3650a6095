"""Whether the next request may go out now: concurrency, rate, Retry-After, holds, pause.

A run starts with one request at a time and opens up after the first accepted answer; so it does after a hold. During a hold one
request at a time feels its way, further and further apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from penstock.pacing.backoff import full_jitter
from penstock.pacing.bucket import TokenBucket
from penstock.pacing.limits import AdaptiveLimit
from penstock.pacing.shares import Share

# Seconds, while nothing is known of the others.
LOOK_AGAIN = 1.0

# Nothing but throttled (or unknown) answers this many times in a row, and the run holds.
THROTTLED_IN_A_ROW = 10
UNKNOWN_IN_A_ROW = 20
# Retry-After that ends so many seconds later than the one before is news.
LITTLE_LONGER = 0.2
# No other's Retry-After is believed for longer, whatever became of the ledger's clock meanwhile.
LONGEST_QUIET = 3600.0


@dataclass(frozen=True, slots=True)
class Hold:
    """The run waits. since: on the pace's clock."""

    reason: str
    since: float


class Pace:
    """All times are seconds on one steady clock, handed in by the caller as `now`. sent_at: when an answer's request went out;
    among: so many were then on the wire, itself included.

    limit: what holds besides this worker's share wherever the share says that it adapts.
    """

    def __init__(
        self,
        *,
        limit: AdaptiveLimit,
        bucket: TokenBucket,
        first_wait: float,
        longest_wait: float,
        random: Random,
    ) -> None:
        self._limit = limit
        self._bucket = bucket
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._random = random
        self._share = 0  # of the job's concurrency; not known before the first heartbeat
        self._adapts = False
        self._paused = False
        self._blocks: dict[str, Hold] = {}
        self._hold: Hold | None = None
        self._hold_tries = 0
        self._opened = False
        self._not_before = -math.inf
        self._quiet_until = -math.inf  # the API has told this worker to wait
        self._others_quiet_until = -math.inf  # or another one
        self._shared_until = math.inf
        self._throttled = 0
        self._unknown = 0

    @property
    def hold(self) -> Hold | None:
        """Why the run waits: the API or the job's settings, or (blocked) the ledger."""
        return next(iter(self._blocks.values()), None) or self._hold

    @property
    def is_holding(self) -> bool:
        return self._hold is not None or bool(self._blocks)

    @property
    def is_paused(self) -> bool:
        return self._paused

    @property
    def concurrency(self) -> int:
        """How many requests may be on the wire at once, were there no hold, pause or opening."""
        return min(self._limit.value, self._share) if self._adapts else self._share

    @property
    def has_share(self) -> bool:
        """Whether this worker may send at all: with more workers than concurrency, the youngest wait."""
        return self._share > 0

    def allowed(self) -> int:
        """How many requests may be on the wire at once, right now."""
        if self._paused or self._blocks:
            return 0
        if not self._opened:
            return min(1, self._share)
        return min(self._limit.value, self._share) if self._adapts else self._share

    def delay(self, now: float) -> float:
        """Seconds until the next request may go; 0.0: now."""
        if now >= self._shared_until:
            return LOOK_AGAIN
        wait = max(self._not_before, self._others_quiet_until) - now
        if self._bucket.is_limiting:
            wait = max(wait, self._bucket.delay(now))
        return max(wait, 0.0)

    def quiet(self, now: float) -> float:
        """Seconds for which the API has told this very worker to wait."""
        return max(0.0, self._quiet_until - now)

    def unused(self, now: float) -> float:
        """Of the rate since this was asked last, how much was left (0.0 to 1.0) for want of rows or of requests at once."""
        unused = self._bucket.unused(now)
        return 0.0 if self._paused else unused

    @property
    def saved_up(self) -> int:
        """How many requests may go, once there is no `delay`, before it is to be asked for again."""
        return self._bucket.whole if self._bucket.is_limiting else self._share

    def sent(self, requests: int) -> None:
        if self._bucket.is_limiting:
            self._bucket.take(requests)

    def limited_by(self, now: float, in_flight: int) -> str:
        """In one or two words, for people: what keeps the run from going faster; "" when it is not the pace."""
        if self._paused:
            return "pause"
        if self.hold is not None:
            return "hold"
        if now >= self._shared_until:
            return "ledger"
        if max(self._quiet_until, self._others_quiet_until) > now:
            return "Retry-After"
        if self._not_before > now:
            return "API"
        if not self._opened and self._share > 1:
            return "first accepted answer"
        if self._bucket.is_limiting and self._bucket.delay(now) > 0:
            return "rate"
        if self._adapts and self._limit.value < self._share and in_flight >= self._limit.value:
            return "API"  # it bears no more, as far as is known
        return ""

    # What a person or the ledger says.

    def set_share(self, share: Share, now: float) -> None:
        if share.adapts and not self._adapts:
            self._limit.begin_again(now)
        self._share = share.concurrency
        self._shared_until = share.until
        self._adapts = share.adapts
        self._limit.share(workers=share.workers, elsewhere=share.elsewhere, ahead=share.ahead, now=now)
        self._bucket.set_rate(share.rate, now)

    def heed(self, seconds: float, now: float) -> None:
        """The API has told another worker to wait so long, and means all of them."""
        until = now + min(seconds, LONGEST_QUIET)
        if until > max(now, self._others_quiet_until):
            self._others_quiet_until = until
            self._begin_apart()

    def set_paused(self, paused: bool, now: float) -> None:
        if self._paused and not paused:
            self._close(now)
        self._paused = paused

    def block(self, what: str, reason: str, now: float) -> None:
        """Nothing goes out until `unblock(what)`: answers could not be written down."""
        self._blocks.setdefault(what, Hold(reason, now))

    def unblock(self, what: str) -> None:
        self._blocks.pop(what, None)

    # What the answers say.

    def accepted(self, latency: float, among: int, now: float) -> None:
        self._hold, self._opened = None, True
        self._throttled = self._unknown = 0
        if self._adapts:
            self._limit.answered(latency, among, now)

    def refused(self, now: float) -> None:
        """The API works and refuses this row: no reason to hold, none to open up."""
        if self._hold is not None:
            self._hold = None
            self._close(now)
        self._throttled = self._unknown = 0

    def throttled(self, reason: str, retry_after: float | None, *, sent_at: float, among: int, now: float) -> bool:
        """Too fast. Retry-After stops every request, not only the row's. Returns whether the other workers are to hear of it."""
        self._throttled += 1
        tells = False
        if retry_after is not None and now + retry_after > self._quiet_until:
            tells = now + retry_after > max(now, self._quiet_until) + LITTLE_LONGER
            self._quiet_until = now + retry_after
            self._not_before = max(self._not_before, self._quiet_until)
            self._begin_apart()
        elif self._adapts and among == 1:
            # Fewer at once there cannot be: then further apart.
            wait = full_jitter(self._throttled, self._first_wait, self._longest_wait, self._random)
            self._not_before = max(self._not_before, now + wait)
        if self._adapts:
            self._limit.throttled(sent_at, among, now)
        if self._throttled >= max(THROTTLED_IN_A_ROW, self.concurrency) or self._hold is not None:
            self.held(reason, sent_at=now, now=now)
        return tells

    def unknown(self, reason: str, *, sent_at: float, among: int, now: float) -> None:
        """No answer, or a 5xx."""
        self._unknown += 1
        if self._adapts:
            self._limit.failed(sent_at, among, now)
        if self._unknown >= max(UNKNOWN_IN_A_ROW, self.concurrency) or self._hold is not None:
            self.held(reason, sent_at=now, now=now)

    def held(self, reason: str, *, sent_at: float, now: float) -> None:
        """An answer blames the job, not the row (or nothing can be reached)."""
        if self._hold is None:
            self._hold, self._hold_tries = Hold(reason, now), 0
            self._close(now)
        elif sent_at < self._hold.since:
            return  # it was on the wire when the hold began and tells nothing new
        else:
            self._hold = Hold(reason, self._hold.since)
        self._hold_tries += 1
        # At least half the jittered range: a hold that happens to draw 0.0 seconds would be no hold.
        wait = full_jitter(self._hold_tries, self._first_wait, self._longest_wait, self._random)
        self._not_before = max(self._not_before, now + max(wait, min(self._longest_wait, self._first_wait)))

    def _begin_apart(self) -> None:
        """After Retry-After: with nothing saved up, and each worker at another moment."""
        self._bucket.begin_at(max(self._quiet_until, self._others_quiet_until), self._random.random())

    def _close(self, now: float) -> None:
        """One request at a time until one is accepted; where the limit adapts, it begins again."""
        self._opened = False
        self._limit.begin_again(now)
