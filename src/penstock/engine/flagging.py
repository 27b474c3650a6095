"""Flags of accepted rows that could not be set in the settling transaction: another database, or a row that others had locked."""

from __future__ import annotations

import asyncio

from penstock.engine.parts import FlagDesk
from penstock.errors import Unreachable
from penstock.ledger.base import Ledger
from penstock.rows import KeyText
from penstock.source.base import Mark

EVERY = 5.0
PAGE = 500
RANGES = 100
# Seconds that the end of a run waits for rows which others lock. What is left then is repaired by the next run.
LAST_PATIENCE = 60.0


class Flagging:
    """What is still due is known to the ledger alone: a flag is written again rather than forgotten."""

    def __init__(self, ledger: Ledger, desk: FlagDesk) -> None:
        self._ledger = ledger
        self._desk = desk
        self._one_at_a_time = asyncio.Lock()

    async def flag_for_ever(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self._flag_quietly()

    async def flag_at_the_end(self) -> bool:
        """Try until nothing is due or the patience ends. Returns whether every flag is set."""
        waited, wait = 0.0, 0.2
        while not await self._flag_quietly():
            if waited >= LAST_PATIENCE:
                return False
            await asyncio.sleep(wait)
            waited += wait
            wait = min(2 * wait, 5.0)
        return True

    async def _flag_quietly(self) -> bool:
        try:
            async with self._one_at_a_time:
                return await self._flag()
        except Unreachable:
            return False  # still due

    async def _flag(self) -> bool:
        """Set every flag that is due now. Returns whether none is left."""
        all_set = True
        while due := await self._ledger.flags_due(RANGES):
            set_here = [await self._flag_range(range_no, batch) for range_no, batch in due]
            all_set = all_set and all(set_here)
            if not any(set_here) or len(due) < RANGES:
                break
        return all_set

    async def _flag_range(self, range_no: int, batch: int) -> bool:
        after: KeyText | None = None
        all_set = True
        while rows := await self._ledger.accepted(range_no, after, PAGE):
            done = await self._desk.mark([Mark(key, receipt) for key, receipt in rows])
            all_set = all_set and len(done) == len(rows)
            after = rows[-1][0]
        if all_set:
            await self._ledger.flags_written(range_no, batch)
        return all_set
