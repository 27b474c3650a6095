"""Adopting: rows that the new store holds already become imported without being sent. A span is planned and settled by one
commit, so that whoever is killed half-way leaves no range behind whose rows a run would send."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.base import FlagMarker
from penstock.ledger.planning import Planning
from penstock.ledger.ranges import Lease, Portion, RangeKind, Span
from penstock.ledger.recording import RowsKnown
from penstock.ledger.rows import Settlement
from penstock.ledger.settling import Settling
from penstock.ledger.transactions import Transactions

# Its range is open or done as soon as it is there: nobody ever waits for this lease to run out.
_LEASE = 1.0


class Adopting:
    def __init__(self, transactions: Transactions, planning: Planning, settling: Settling) -> None:
        self._transactions = transactions
        self._planning = planning
        self._settling = settling

    async def adopt(
        self, span: Span, found: Sequence[Settlement], rest: int, owner: str, mark: FlagMarker | None
    ) -> bool:
        """See Ledger.adopt."""
        write = partial(self._write, span=span, found=found, rest=rest, owner=owner, mark=mark)
        try:
            return await self._transactions.write(partial(write, are_new=True))
        except RowsKnown:
            return await self._transactions.write(partial(write, are_new=False))

    async def _write(
        self,
        connection: AsyncConnection,
        span: Span,
        found: Sequence[Settlement],
        rest: int,
        owner: str,
        mark: FlagMarker | None,
        *,
        are_new: bool,
    ) -> bool:
        range_no = await self._planning.plan_within(connection, span, owner, _LEASE)
        if range_no is None:
            return False
        lease = Lease(range_no, RangeKind.SPAN, owner, fence=1, batch=0, after=span.after, upto=span.upto)
        portion = Portion(lease, 1, found, remaining=rest, finished=rest == 0, release=rest > 0)
        await self._settling.settle_within(connection, [portion], mark, are_new=are_new)
        return True
