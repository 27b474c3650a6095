"""An API and the workers that send to it, in a time of their own: seconds pass as fast as the arithmetic goes.

The API has so many servers and one queue before them, or rejects whom it cannot serve at once. A worker sends as its pace allows
and never runs out of rows; once a second it hears how many workers there are, as with a heartbeat. Clocks of workers differ.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from random import Random
from typing import NamedTuple, TypeAlias

from penstock.pacing.bucket import TokenBucket
from penstock.pacing.limits import AdaptiveLimit
from penstock.pacing.pace import Pace
from penstock.pacing.shares import Share, share_of_count, share_of_rate

MOST = 256
NETWORK = 0.0005  # seconds, there and back
CLOCKS_DIFFER = 1234.567
TICK = 1e-6

# Seconds of work, for one request; drawn anew for each. Given: the time.
Work: TypeAlias = Callable[[Random, float], float]


class Verdict(Enum):
    ACCEPTED = "accepted"
    REJECTED = "429"
    BROKEN = "500"


class Ended(NamedTuple):
    at: float
    latency: float
    worker: int
    verdict: Verdict


@dataclass
class Requested:
    worker: int
    sent_at: float
    among: int


@dataclass
class Worker:
    number: int
    pace: Pace
    in_flight: int = 0
    told: int = 0  # in flight, as told with the last heartbeat
    is_gone: bool = False
    wakes_at: float = -math.inf

    @property
    def ahead(self) -> float:
        """The clock that all share, against this worker's."""
        return -CLOCKS_DIFFER * self.number


@dataclass
class Api:
    servers: int
    work: Work
    rejects: bool = False
    # Given how many it works on, the chance that it breaks.
    breaks: Callable[[int], float] = lambda busy: 0.0
    busy: int = 0
    queue: deque[Requested] = field(default_factory=deque)


class Simulation:
    def __init__(self, api: Api, *, seed: int = 1, most_in_flight: float = math.inf, rate: float = math.inf) -> None:
        """most_in_flight: what a worker's source, or its ledger, lets it have on the wire."""
        self.api = api
        self.now = 0.0
        self.ended: list[Ended] = []
        self.workers: list[Worker] = []
        self.most_in_flight = most_in_flight
        self.rate = rate
        self._random = Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def join(self) -> Worker:
        number = len(self.workers)
        pace = Pace(
            limit=AdaptiveLimit(MOST),
            bucket=TokenBucket(math.inf, self.now),
            first_wait=0.2,
            longest_wait=30.0,
            random=Random(number),
        )
        worker = Worker(number, pace)
        self.workers.append(worker)
        self._beat(worker)
        return worker

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, act = heapq.heappop(self._events)
            act()
        self.now = until

    # What a test asks afterwards.

    def answers(self, began: float, until: float, verdict: Verdict = Verdict.ACCEPTED) -> Iterator[Ended]:
        return (ended for ended in self.ended if began <= ended.at < until and ended.verdict is verdict)

    def throughput(self, began: float, until: float) -> float:
        """Accepted requests a second."""
        return sum(1 for _ in self.answers(began, until)) / (until - began)

    def latency(self, began: float, until: float, quantile: float) -> float:
        found = sorted(ended.latency for ended in self.answers(began, until))
        return found[int(quantile * len(found))]

    def errors(self, began: float, until: float) -> int:
        return sum(1 for verdict in (Verdict.REJECTED, Verdict.BROKEN) for _ in self.answers(began, until, verdict))

    @property
    def in_flight(self) -> int:
        return sum(worker.in_flight for worker in self.workers)

    # A worker.

    def _beat(self, worker: Worker) -> None:
        if worker.is_gone:
            return
        worker.told = worker.in_flight
        alive = [other for other in self.workers if not other.is_gone]
        share = Share(
            concurrency=share_of_count(MOST, len(alive), alive.index(worker)),
            rate=share_of_rate(self.rate, len(alive)),
            adapts=True,
            workers=len(alive),
            elsewhere=sum(other.told for other in alive if other is not worker),
            ahead=worker.ahead,
        )
        worker.pace.set_share(share, self._clock(worker))
        self._in(1.0, partial(self._beat, worker))
        self._send(worker)

    def _clock(self, worker: Worker) -> float:
        return self.now - worker.ahead

    def _send(self, worker: Worker) -> None:
        pace, now = worker.pace, self._clock(worker)
        while not worker.is_gone and worker.in_flight < min(pace.allowed(), self.most_in_flight):
            wait = pace.delay(now)
            if wait > 0:
                if worker.wakes_at <= self.now:
                    # Never so soon that the sum is the same moment again.
                    worker.wakes_at = self.now + max(wait, TICK)
                    self._in(max(wait, TICK), partial(self._send, worker))
                return
            pace.sent(1)
            worker.in_flight += 1
            self._in(NETWORK / 2, partial(self._arrive, Requested(worker.number, self.now, worker.in_flight)))

    def _hear(self, request: Requested, verdict: Verdict) -> None:
        worker = self.workers[request.worker]
        worker.in_flight -= 1
        self.ended.append(Ended(self.now, self.now - request.sent_at, worker.number, verdict))
        now, sent_at = self._clock(worker), request.sent_at - worker.ahead
        match verdict:
            case Verdict.ACCEPTED:
                worker.pace.accepted(now - sent_at, request.among, now)
            case Verdict.REJECTED:
                worker.pace.throttled("429", None, sent_at=sent_at, among=request.among, now=now)
            case Verdict.BROKEN:
                worker.pace.unknown("500", sent_at=sent_at, among=request.among, now=now)
        self._send(worker)

    # The API.

    def _arrive(self, request: Requested) -> None:
        if self.api.busy < self.api.servers:
            self._serve(request)
        elif self.api.rejects:
            self._in(NETWORK / 2, partial(self._hear, request, Verdict.REJECTED))
        else:
            self.api.queue.append(request)

    def _serve(self, request: Requested) -> None:
        self.api.busy += 1
        self._in(self.api.work(self._random, self.now), partial(self._served, request))

    def _served(self, request: Requested) -> None:
        is_broken = self._random.random() < self.api.breaks(self.api.busy)
        self.api.busy -= 1
        self._in(NETWORK / 2, partial(self._hear, request, Verdict.BROKEN if is_broken else Verdict.ACCEPTED))
        while self.api.queue and self.api.busy < self.api.servers:
            self._serve(self.api.queue.popleft())

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, act))


def steady(seconds: float, noise: float = 0.1) -> Work:
    """About so many seconds each; noise: their relative standard deviation, roughly."""

    def draw(random: Random, _: float) -> float:
        return seconds * math.exp(random.gauss(0.0, noise) - noise * noise / 2)

    return draw


def two_kinds(seconds: float) -> Work:
    """One request in five takes six times as long as the others: seconds on the average."""

    def draw(random: Random, now: float) -> float:
        return steady(seconds * (3.0 if random.random() < 0.2 else 0.5))(random, now)

    return draw


def exponential(seconds: float) -> Work:
    return lambda random, _: random.expovariate(1.0 / seconds)


def quantile_of(work: Work, quantile: float, now: float = 0.0) -> float:
    """Of the unloaded API."""
    random = Random(0)
    return sorted(NETWORK + work(random, now) for _ in range(20_000))[int(20_000 * quantile)]


def mean_of(work: Work, now: float = 0.0) -> float:
    random = Random(0)
    return sum(work(random, now) for _ in range(20_000)) / 20_000
