"""One simulated worker: reads ahead, feeds, sends, settles, beats, looks at the totals; as the loops of penstock.engine do."""

from __future__ import annotations

import math
from collections import deque

from benchmarks.simulation.events import Clock, Cores, Lock, Process, Steps
from benchmarks.simulation.ledger import Ledger
from benchmarks.simulation.setup import CHUNK, LOOK_EVERY_SECOND, MOST_IN_DOUBT, PAGE, WINDOW, Setup

# Requests of a worker go out in so many groups: each request by itself would tell no more and take four times as long.
_GROUPS = 4
_FLAGGING = 5.0


class Processor:
    """Where a worker computes: one thread, on a core of its own or on those that all share."""

    def __init__(self, clock: Clock, shared: Cores | None) -> None:
        self.own = Cores(clock, 1)
        self._thread = Lock(clock)
        self._shared = shared

    def work(self, seconds: float) -> Steps:
        if self._shared is None:
            yield from self.own.work(seconds, "worker")
        else:
            yield from self._thread.take()
            yield from self._shared.work(seconds, "worker")
            self._thread.let_go()


class Worker:
    """number: from 0. sent, settled: rows. on_wire, starved: row-seconds on the wire; seconds without a row to send."""

    def __init__(self, clock: Clock, setup: Setup, ledger: Ledger, shared: Cores | None, number: int) -> None:
        self.sent = 0
        self.settled = 0
        self.on_wire = 0.0
        self.processor = Processor(clock, shared)
        self._clock = clock
        self._setup = setup
        self._ledger = ledger
        self._shared = shared
        self._outbox = 0
        self._waiting = 0  # to be settled
        self._exposed = 0  # rows in windows, not settled yet
        self._pages: deque[int] = deque()
        self._ranges: deque[tuple[int, int]] = deque()  # rows of each, and how many are not settled yet
        self._low = max(CHUNK, setup.concurrency)
        self._accepted = 0  # and not flagged yet, where the ledger is apart
        self._idle: deque[Process] = deque()
        self._sleepers: dict[str, Process] = {}
        self._share_of_rate = setup.rate / setup.workers
        self._next_at = 0.0
        offset = number / setup.workers
        clock.start(self._read(offset))
        clock.start(self._feed())
        groups = min(_GROUPS, setup.concurrency)
        for group in range(groups):
            clock.start(self._send(setup.concurrency // groups + (group < setup.concurrency % groups)))
        clock.start(self._settle())
        if setup.beat:
            clock.start(self._beat(offset))
        if setup.show:
            clock.start(self._show(offset))
        if setup.apart and setup.flags:
            clock.start(self._flag(offset))

    def _read(self, offset: float) -> Steps:
        setup, ledger = self._setup, self._ledger
        # Workers do not begin all at once, or all would plan at the same moment ever after.
        yield offset * min(2.0, setup.range_rows * setup.latency / setup.concurrency)
        while True:
            rows = yield from ledger.next_range()
            if not rows:
                return
            self._ranges.append((rows, rows))
            while rows:
                page = min(rows, PAGE)
                rows -= page
                yield from ledger.source("source_page", page)
                yield from ledger.call("look_up", page)
                self._pages.append(page)
                self._wake("feeder")
                while len(self._pages) > 1:  # one waits while another is fed
                    yield from self._sleep("reader")

    def _feed(self) -> Steps:
        setup = self._setup
        while True:
            while not self._pages:
                yield from self._sleep("feeder")
            page = self._pages.popleft()
            self._wake("reader")
            while page:
                rows = min(page, WINDOW if setup.windows else CHUNK)
                while self._outbox >= self._low or (setup.windows and self._exposed + rows > MOST_IN_DOUBT):
                    yield from self._sleep("feeder")
                if setup.windows:
                    yield from self._ledger.call("window", rows)
                    self._ledger.window_keys += rows
                    self._exposed += rows
                page -= rows
                self._outbox += rows
                while self._idle:
                    self._clock.wake(self._idle.popleft())

    def _send(self, most: int) -> Steps:
        setup = self._setup
        while True:
            while not self._outbox or self._waiting >= setup.most_waiting:
                self._idle.append(self._clock.current)
                yield None
            rows = min(most, self._outbox)
            self._outbox -= rows
            if self._outbox < self._low:
                self._wake("feeder")
            if self._share_of_rate < math.inf:
                at = max(self._clock.now, self._next_at)
                self._next_at = at + rows / self._share_of_rate
                if at > self._clock.now:
                    yield at - self._clock.now
            yield from self.processor.work(rows * setup.worker_row)
            self.sent += rows
            if self._shared is not None:
                yield from self._shared.work(rows * setup.api_row, "API")
            yield setup.latency
            self.on_wire += rows * setup.latency
            self._waiting += rows
            self._wake("settler")

    def _settle(self) -> Steps:
        setup = self._setup
        while True:
            while not self._waiting:
                yield from self._sleep("settler")
            due = self._clock.now + setup.linger
            while self._waiting < setup.most_settled and self._clock.now < due - 1e-9:
                yield from self._sleep("settler", due - self._clock.now)
            rows = min(self._waiting, setup.most_settled)
            done = self._ranges_done(rows)
            yield from self._ledger.settle(rows, len(done))
            if setup.windows:
                self._exposed -= rows
                self._ledger.window_keys -= sum(done)
                self._wake("feeder")
            self._waiting -= rows
            self._accepted += rows
            self.settled += rows
            while self._idle:
                self._clock.wake(self._idle.popleft())

    def _ranges_done(self, rows: int) -> list[int]:
        """Rows of each range that so many settled rows bring to its end."""
        done: list[int] = []
        while rows:
            size, left = self._ranges.popleft()
            if left > rows:
                self._ranges.appendleft((size, left - rows))
                break
            rows -= left
            done.append(size)
        return done

    def _beat(self, offset: float) -> Steps:
        setup = self._setup
        yield offset * setup.beat
        while True:
            yield from self._ledger.call("renew", setup.workers if setup.beats_grow else 1)
            yield setup.beat

    def _show(self, offset: float) -> Steps:
        setup, ledger = self._setup, self._ledger
        pause = setup.show * max(1.0, setup.workers / LOOK_EVERY_SECOND)
        yield offset * pause
        while True:
            yield from ledger.call("counts", ledger.leased)
            if setup.windows and setup.shows_claimed:
                keys = ledger.window_keys
                yield from ledger.call("counts_keys", keys)
                yield from self.processor.work(keys * setup.calls.counts_keys.client_each)
            yield pause

    def _flag(self, offset: float) -> Steps:
        yield offset * _FLAGGING
        while True:
            rows, self._accepted = self._accepted, 0
            yield from self._ledger.call("accepted", rows)
            yield _FLAGGING

    def _sleep(self, who: str, seconds: float | None = None) -> Steps:
        self._sleepers[who] = self._clock.current
        yield seconds
        self._sleepers.pop(who, None)

    def _wake(self, who: str) -> None:
        sleeper = self._sleepers.pop(who, None)
        if sleeper is not None:
            self._clock.wake(sleeper)
