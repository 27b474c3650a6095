"""Looks at a job while workers are at it and everything fails: what must hold at every moment holds then too."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from asyncmy.errors import MySQLError
from sqlalchemy.exc import DBAPIError
from tests.proof.checker import INVARIANTS
from tests.proof.evidence import Finding
from tests.proof.stage import Stage

# Flags for imported rows alone, sums, legal edges: the databases tell, of one moment. The oracle's log is of another one.
AT_EVERY_MOMENT = ("I2", "I3", "I4")


class Glances:
    """every: seconds between two. made: how many there have been; the database cannot always be asked."""

    def __init__(self, stage: Stage, *, every: float) -> None:
        self.made = 0
        self.findings: list[Finding] = []
        self._stage = stage
        self._every = every

    async def glance_until(self, over: asyncio.Event) -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self._every)
                return
            # In a thread: the stage has a loop of its own, and what is looked at is large.
            await asyncio.to_thread(self._glance)

    def _glance(self) -> None:
        try:
            evidence = self._stage.glance()
        except (DBAPIError, MySQLError, OSError):
            return
        self.made += 1
        for name in AT_EVERY_MOMENT:
            self.findings += [
                Finding(name, f"{words} (while workers were at it)") for words in INVARIANTS[name](evidence)
            ]
