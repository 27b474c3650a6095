"""Takes over the ranges of workers that are gone, also while every live worker has rows enough of its own.

It leases none of them: it leaves them open, for whoever has room first. So a few seconds after a lease has run out the ledger
says which rows are in doubt, the others are at hand, and nobody holds a range that it cannot read for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from penstock.engine.stop import Stop
from penstock.errors import Unreachable
from penstock.ledger.base import IsDead, Recall
from penstock.ledger.ranges import Left
from penstock.ledger.workers import Control

EVERY = 1.0  # seconds between two looks
LOOKERS = 3  # of the workers, the oldest: one of them may stand still
# Seconds for which a lease must be seen to have run out. After the ledger was out of reach all have: time for those that live to
# be heard.
PATIENCE = 2.0


class LeftRanges(Protocol):
    """What a ledger does for this; see penstock.ledger.base."""

    async def left(self, owner: str, is_dead: IsDead) -> Sequence[Left]: ...

    async def leave_open(self, left: Left, owner: str, recall: Recall) -> bool: ...


class Rescuer:
    """heard: the ledger's last word; None before the first. tell: called when a range has become open."""

    def __init__(
        self,
        ledger: LeftRanges,
        stop: Stop,
        *,
        owner: str,
        is_dead: IsDead,
        recall: Recall,
        heard: Callable[[], Control | None],
        tell: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._stop = stop
        self._owner = owner
        self._is_dead = is_dead
        self._recall = recall
        self._heard = heard
        self._tell = tell
        self._seen: dict[Left, float] = {}  # since when, on the loop's clock

    async def rescue_for_ever(self) -> None:
        """The loop, until the run is asked to stop. Paused and held workers rescue as well: nothing is sent for it."""
        while not self._stop.is_asked:
            control = self._heard()
            if control is None or control.rank >= LOOKERS:
                self._seen.clear()
            else:
                try:
                    await self._rescue()
                except Unreachable:  # whoever reads or settles says so
                    self._seen.clear()
            await self._stop.asked_within(EVERY)

    async def _rescue(self) -> None:
        for left in self._due(await self._ledger.left(self._owner, self._is_dead)):
            if self._stop.is_asked:
                return
            if await self._ledger.leave_open(left, self._owner, self._recall):
                self._tell()

    def _due(self, left: Sequence[Left]) -> Sequence[Left]:
        now = asyncio.get_running_loop().time()
        self._seen = {found: self._seen.get(found, now) for found in left}
        return [found for found, since in self._seen.items() if found.is_proven or now - since >= PATIENCE]
