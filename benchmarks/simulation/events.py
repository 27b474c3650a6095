"""Simulated time: processes that wait for each other, for a moment, a processor, a lock, a commit.

Nothing is drawn by chance, and what happens at one moment happens in the order in which it was begun: same input, same run.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Generator
from typing import TypeAlias

# What a process waits for: so many seconds, unless it is woken before; None: until it is woken.
Steps: TypeAlias = Generator[float | None, None, None]

# Processors go from one to the next after so long, as kernels do it; what takes long is cut into no more slices than these.
_SLICE = 0.002
_MOST_SLICES = 8


class Process:
    """One that is under way. turn: which of its waits this is; whoever comes for an earlier one comes too late."""

    __slots__ = ("steps", "turn")

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.turn = 0


class Clock:
    """now: seconds since the beginning. current: the process that is taking its step."""

    def __init__(self) -> None:
        self.now = 0.0
        self._agenda: list[tuple[float, int, int, Process]] = []
        self._entries = 0
        self._current = Process(_nothing())

    @property
    def current(self) -> Process:
        return self._current

    def start(self, steps: Steps) -> Process:
        process = Process(steps)
        self.wake(process)
        return process

    def wake(self, process: Process) -> None:
        self._enter(self.now, process)

    def run(self, until: float) -> None:
        """To that moment, or until nobody waits for a moment any more."""
        agenda = self._agenda
        while agenda and agenda[0][0] <= until:
            self.now, _, turn, process = heapq.heappop(agenda)
            if turn != process.turn:
                continue
            process.turn += 1
            self._current = process
            try:
                seconds = next(process.steps)
            except StopIteration:
                continue
            if seconds is not None:
                self._enter(self.now + seconds, process)

    def _enter(self, at: float, process: Process) -> None:
        self._entries += 1
        heapq.heappush(self._agenda, (at, self._entries, process.turn, process))


class Cores:
    """So many processors; whoever waits gets the next one, in turn. used: seconds, by what for."""

    def __init__(self, clock: Clock, count: int) -> None:
        self.count = count
        self.used: defaultdict[str, float] = defaultdict(float)
        self._clock = clock
        self._free = count
        self._queue: deque[Process] = deque()

    def work(self, seconds: float, kind: str) -> Steps:
        left = seconds
        slice_ = max(_SLICE, seconds / _MOST_SLICES)
        while left > 0.0:
            if self._free:
                self._free -= 1
            else:
                self._queue.append(self._clock.current)
                yield None
            part = min(left, slice_)
            yield part
            self.used[kind] += part
            left -= part
            if self._queue:
                self._clock.wake(self._queue.popleft())
            else:
                self._free += 1


class Lock:
    """Held by one at a time. held: seconds."""

    def __init__(self, clock: Clock) -> None:
        self.held = 0.0
        self._clock = clock
        self._since: float | None = None
        self._queue: deque[Process] = deque()

    def take(self) -> Steps:
        if self._since is not None:
            self._queue.append(self._clock.current)
            yield None
        self._since = self._clock.now

    def let_go(self) -> None:
        if self._since is None:
            raise AssertionError("nobody holds it")
        self.held += self._clock.now - self._since
        if self._queue:
            # Not free in between: nobody may take it before the one who waits has its step.
            self._clock.wake(self._queue.popleft())
        else:
            self._since = None


class Log:
    """A log on a disk. Those who commit while a write is under way are written together by the next."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._is_writing = False
        self._waiting: list[Process] = []
        self._written: set[Process] = set()

    def commit(self) -> Steps:
        me = self._clock.current
        if self._is_writing:
            self._waiting.append(me)
            yield None
            if me in self._written:
                self._written.discard(me)
                return
        self._is_writing = True
        together = [other for other in self._waiting if other is not me]
        self._waiting = []
        yield self._seconds
        self._written.update(together)
        for other in together:
            self._clock.wake(other)
        if self._waiting:
            self._clock.wake(self._waiting[0])
        else:
            self._is_writing = False


def _nothing() -> Steps:
    yield None
