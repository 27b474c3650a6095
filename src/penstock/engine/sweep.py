"""The closing walk over all keys of the query: whatever the ledger does not know yet becomes pending. Nothing is lost by a cursor
that passed too early: rows that arrived behind it, long transactions that committed late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from penstock.engine.stop import Stop
from penstock.ledger.base import Ledger
from penstock.ledger.ranges import Lease
from penstock.source.base import KeySlice, Source

PAGE = 4000  # keys alone are small, and each question has its price
ADDED_AT_ONCE = 1000
FOUND_BY_SWEEP = "found by the sweep"


async def sweep(source: Source, ledger: Ledger, lease: Lease, stop: Stop) -> bool:
    """Walk once. Returns whether it came to the end; False if the run was asked to stop first.

    Raises LeaseLost when another worker has taken the sweep over: that one walks again from the start, and what this one
    found stays found.
    """
    found = 0
    async with aclosing(_slices(source)) as slices:
        async for keys, _ in slices:
            if stop.is_asked:
                return False
            missing = sorted(await ledger.unknown(keys)) if keys else []
            for start in range(0, len(missing), ADDED_AT_ONCE):
                some = missing[start : start + ADDED_AT_ONCE]
                new, _ = await ledger.add_keys(some, lease=lease, reason=FOUND_BY_SWEEP)
                found += new
    await ledger.finish_sweep(lease, found)
    return True


async def _slices(source: Source) -> AsyncGenerator[KeySlice, None]:
    """All keys, each slice read while the one before is looked at."""
    ahead = asyncio.create_task(source.keys_in_query(None, PAGE))
    try:
        while True:
            found = await ahead
            if found.upto is not None:
                ahead = asyncio.create_task(source.keys_in_query(found.upto, PAGE))
            yield found
            if found.upto is None:
                return
    finally:
        ahead.cancel()
        await asyncio.gather(ahead, return_exceptions=True)
