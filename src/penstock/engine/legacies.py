"""What workers that are gone knew of rows in doubt: told to the ledger once their journals may be read.

A worker that stands still keeps its journal to itself; when its lease has run out, whatever it may have sent is in doubt. Should
it never go on, its file still tells what had come back and what had never left.
"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.engine.parts import Parts
from penstock.ledger.ranges import Lease
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState

_AT_ONCE = 1000
# What moves a row that is in doubt.
_TELLING = frozenset({RowState.PENDING, RowState.IMPORTED, RowState.FAILED})


async def settle_legacies(parts: Parts) -> bool:
    """Returns whether any row in doubt has been settled so: it may wait to be sent now."""
    has_settled = False
    for lease in await parts.ledger.taken_over():
        known = parts.recall(lease.owner, lease.range_no, lease.fence)
        for start in range(0, len(known), _AT_ONCE):
            late = await _still_in_doubt(parts, lease, known[start : start + _AT_ONCE])
            if late:
                await parts.ledger.settle_late(lease, late, parts.mark)
                has_settled = True
    return has_settled


async def _still_in_doubt(parts: Parts, lease: Lease, known: Sequence[Settlement]) -> list[Settlement]:
    """Of rows that have ended since, or that a person has decided upon, nothing needs to be known any more. Nor what would leave
    a row as it is: in doubt."""
    rows = await parts.ledger.look_up([settlement.key for settlement in known])
    return [
        settlement
        for settlement in known
        if settlement.state in _TELLING
        and (row := rows.get(settlement.key)) is not None
        and row.state is RowState.IN_DOUBT
        and (row.range_no, row.fence) == (lease.range_no, lease.fence)
    ]
