"""What the oracle does with a request: drawn by seed, so that the same row stumbles in the same way, however fast it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from zlib import crc32


class Mode(StrEnum):
    ACCEPT = "accept"  # apply, answer 201
    SLOW = "slow"  # the same, after a while
    STRAY = "stray"  # the same, and another answer behind it that nobody asked for
    LOSE = "lose"  # apply, and close without an answer
    DROP = "drop"  # close without an answer, nothing applied
    CUT = "cut"  # apply, and close in the middle of the answer
    FAIL_AFTER = "fail-after"  # apply, answer 500
    FAIL_BEFORE = "fail-before"  # answer 500, nothing applied
    THROTTLE = "throttle"  # answer 429, nothing applied
    REFUSE = "refuse"  # answer 422, nothing applied


@dataclass(frozen=True, slots=True)
class Plan:
    """status: None: no answer. whole: whether all of the answer goes out."""

    applies: bool
    status: int | None
    whole: bool = True

    @property
    def proves_acceptance(self) -> bool:
        return self.status == 201 and self.whole

    @property
    def proves_refusal(self) -> bool:
        """Whether who reads all of the answer knows that nothing was applied."""
        return self.status in (422, 429) and self.whole


PLANS: Mapping[Mode, Plan] = {
    Mode.ACCEPT: Plan(applies=True, status=201),
    Mode.SLOW: Plan(applies=True, status=201),
    Mode.STRAY: Plan(applies=True, status=201),
    Mode.LOSE: Plan(applies=True, status=None),
    Mode.DROP: Plan(applies=False, status=None),
    Mode.CUT: Plan(applies=True, status=201, whole=False),
    Mode.FAIL_AFTER: Plan(applies=True, status=500),
    Mode.FAIL_BEFORE: Plan(applies=False, status=500),
    Mode.THROTTLE: Plan(applies=False, status=429),
    Mode.REFUSE: Plan(applies=False, status=422),
}


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each mode comes, relative to the others."""

    weights: Mapping[Mode, int]
    seed: int

    @classmethod
    def parse(cls, text: str, seed: int) -> Mix:
        """text: like "accept=90,lose=5,refuse=5". Raises ValueError for a mode that there is not, and for no weight at all."""
        weights = {}
        for part in text.split(","):
            mode, _, weight = part.partition("=")
            weights[Mode(mode)] = int(weight or "1")
        if sum(weights.values()) < 1:
            raise ValueError(f"{text!r} leaves nothing to draw")
        return cls(weights, seed)

    def draw(self, row: str, request: int) -> Mode:
        """The mode of the row's request with this number. It depends on these and the seed, on nothing else."""
        modes = [mode for mode, weight in self.weights.items() for _ in range(weight)]
        return modes[crc32(f"{self.seed}:{row}:{request}".encode()) % len(modes)]
