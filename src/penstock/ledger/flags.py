"""Flags that could not be set in the settling transaction: which ranges they are due in, and what is to be flagged there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.statements import statement
from penstock.ledger.transactions import Transactions
from penstock.rows import KeyText

_DUE = statement(
    "SELECT range_no, flags_no FROM penstock_ranges WHERE job_id = :job AND flags_due = 1 ORDER BY range_no LIMIT :limit"
)

_ACCEPTED = statement(
    "SELECT row_key, receipt FROM penstock_rows "
    "WHERE job_id = :job AND state = 'imported' AND range_no = :range AND (:after IS NULL OR row_key > :after) "
    "ORDER BY row_key LIMIT :limit"
)

# Nothing if more were accepted since they were read: those would be forgotten.
_WRITTEN = statement(
    "UPDATE penstock_ranges SET flags_due = 0 "
    "WHERE job_id = :job AND range_no = :range AND flags_no = :flags_no AND flags_due = 1"
)


class FlagsDue:
    def __init__(self, transactions: Transactions, job_id: int) -> None:
        self._transactions = transactions
        self._job_id = job_id

    async def due(self, limit: int) -> Sequence[tuple[int, int]]:
        """See Ledger.flags_due."""

        async def read(connection: AsyncConnection) -> Sequence[tuple[int, int]]:
            found = await connection.execute(_DUE, {"job": self._job_id, "limit": limit})
            return [(range_no, flags_no) for range_no, flags_no in found]

        return await self._transactions.read(read)

    async def accepted(self, range_no: int, after: KeyText | None, limit: int) -> Sequence[tuple[KeyText, str | None]]:
        """See Ledger.accepted."""
        parameters = {"job": self._job_id, "range": range_no, "after": after, "limit": limit}

        async def read(connection: AsyncConnection) -> Sequence[tuple[KeyText, str | None]]:
            return [(key, receipt) for key, receipt in await connection.execute(_ACCEPTED, parameters)]

        return await self._transactions.read(read)

    async def written(self, range_no: int, flags_no: int) -> None:
        """See Ledger.flags_written."""

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(_WRITTEN, {"job": self._job_id, "range": range_no, "flags_no": flags_no})

        await self._transactions.write(write)
