"""The closing walk over all keys of the query: whatever the ledger does not know yet becomes pending. Nothing is lost by a cursor
that passed too early: rows that arrived behind it, long transactions that committed late."""

from __future__ import annotations

from penstock.engine.stop import Stop
from penstock.ledger.base import Lease, Ledger
from penstock.rows import KeyText
from penstock.source.base import Source

PAGE = 1000
FOUND_BY_SWEEP = "found by the sweep"


async def sweep(source: Source, ledger: Ledger, lease: Lease, stop: Stop) -> bool:
    """Walk once. Returns whether it came to the end; False if the run was asked to stop first.

    Raises LeaseLost when another worker has taken the sweep over: that one walks again from the start, and what this one
    found stays found.
    """
    after: KeyText | None = None
    found = 0
    while not stop.is_asked:
        keys, at_end = await source.keys_in_query(after, PAGE)
        if keys:
            missing = await ledger.unknown(keys)
            if missing:
                new, _ = await ledger.add_keys(sorted(missing), lease=lease, reason=FOUND_BY_SWEEP)
                found += new
            after = keys[-1]
        if at_end:
            await ledger.finish_sweep(lease, found)
            return True
    return False
