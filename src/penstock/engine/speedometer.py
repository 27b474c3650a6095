"""How fast rows are finished, and what keeps them from being finished faster."""

from __future__ import annotations

from collections import deque

SECONDS = 5.0


class Speedometer:
    """Feed it the number of finished rows every now and then; it tells their rate over the last few seconds."""

    def __init__(self, now: float, finished: int) -> None:
        self._looks: deque[tuple[float, int]] = deque([(now, finished)])

    def look(self, now: float, finished: int) -> None:
        self._looks.append((now, finished))
        while len(self._looks) > 2 and now - self._looks[1][0] >= SECONDS:
            self._looks.popleft()

    @property
    def rows_per_second(self) -> float:
        (began, before), (ended, after) = self._looks[0], self._looks[-1]
        return (after - before) / (ended - began) if ended > began else 0.0


def limited_by(*, pace: str, has_room: bool, waiting: int, in_flight: int, concurrency: int) -> str:
    """What is short, in one word: what the pace says, else a share of the concurrency, the ledger, requests in flight, or the
    source ("" if nothing is)."""
    if pace:
        return pace
    if concurrency == 0:
        return "share"
    if not has_room:
        return "ledger"
    if in_flight >= concurrency:
        return "concurrency"
    return "source" if waiting == 0 else ""
