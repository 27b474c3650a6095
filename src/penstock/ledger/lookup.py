"""Reading ledger rows: by key, and those that wait in a range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.rows import LedgerRow
from penstock.ledger.states import RowState
from penstock.ledger.transactions import Transactions
from penstock.rows import KeyText

ROW_COLUMNS = (
    "known.row_key, known.range_no, known.fence, known.state, known.attempts, known.status, known.reason, known.receipt, "
    "known.answer, known.fingerprint, known.first_sent, known.updated_at"
)

# A row of these columns as the drivers give it; SQLite has no type for time.
StoredRow: TypeAlias = tuple[
    str, int, int, str, int, int | None, str | None, str | None, str | None, int | None, float | None, str | datetime
]  # fmt: skip

# By the primary key, whichever range wrote them.
_LOOK_UP = """
SELECT {row}
FROM {known_among}
"""

_UNKNOWN = """
SELECT batch.row_key
FROM {all}
WHERE known.row_key IS NULL
"""

# Served in order by penstock_rows_by_state, which ends in the primary key.
_WAITING = """
SELECT {row} FROM penstock_rows AS known
WHERE job_id = :job AND state = 'pending' AND range_no = :range AND (:after IS NULL OR row_key > :after)
ORDER BY row_key LIMIT :limit
"""


class Lookup:
    def __init__(self, transactions: Transactions, dialect: LedgerDialect, job_id: int) -> None:
        self._transactions = transactions
        self._job_id = job_id
        self._pack = dialect.pack
        known_among = dialect.known_among()
        self._look_up = dialect.statement(_LOOK_UP, row=ROW_COLUMNS, known_among=known_among)
        self._look_up_locked = dialect.statement(_LOOK_UP + " {for_update}", row=ROW_COLUMNS, known_among=known_among)
        self._unknown = dialect.statement(_UNKNOWN, all=dialect.known_among(keep_unknown=True))
        self._waiting = dialect.statement(_WAITING, row=ROW_COLUMNS)

    async def look_up(self, keys: Sequence[KeyText]) -> Mapping[KeyText, LedgerRow]:
        """See Ledger.look_up."""

        async def read(connection: AsyncConnection) -> Mapping[KeyText, LedgerRow]:
            return await self.find(connection, keys)

        return await self._transactions.read(read)

    async def find(self, connection: AsyncConnection, keys: Sequence[KeyText]) -> Mapping[KeyText, LedgerRow]:
        return by_key((await connection.execute(self._look_up, self._keyed(keys))).all())

    async def unknown(self, keys: Sequence[KeyText]) -> frozenset[KeyText]:
        """See Ledger.unknown."""

        async def read(connection: AsyncConnection) -> frozenset[KeyText]:
            return frozenset((await connection.execute(self._unknown, self._keyed(keys))).scalars())

        return await self._transactions.read(read)

    async def locked(self, connection: AsyncConnection, keys: Sequence[KeyText]) -> Mapping[KeyText, LedgerRow]:
        """The same inside a transaction that is about to change them: nobody else does meanwhile."""
        if not keys:
            return {}
        return by_key((await connection.execute(self._look_up_locked, self._keyed(keys))).all())

    async def waiting(self, range_no: int, after: KeyText | None, limit: int) -> Sequence[LedgerRow]:
        """See Ledger.waiting."""
        parameters = {"job": self._job_id, "range": range_no, "after": after, "limit": limit}

        async def read(connection: AsyncConnection) -> Sequence[LedgerRow]:
            return [ledger_row(row) for row in (await connection.execute(self._waiting, parameters)).all()]

        return await self._transactions.read(read)

    def _keyed(self, keys: Sequence[KeyText]) -> dict[str, object]:
        return {"job": self._job_id, "packed": self._pack([[key] for key in keys])}


_STATES = {state.value: state for state in RowState}


def by_key(rows: Sequence[StoredRow]) -> Mapping[KeyText, LedgerRow]:
    return {row[0]: ledger_row(row) for row in rows}


def ledger_row(row: StoredRow) -> LedgerRow:
    key, range_no, fence, state, attempts, status, reason, receipt, answer, fingerprint, first_sent, updated_at = row
    return LedgerRow(
        key,
        range_no,
        fence,
        _STATES[state],
        attempts,
        status,
        reason,
        receipt,
        answer,
        fingerprint,
        first_sent,
        moment(updated_at),
    )


def moment(stored: str | datetime) -> datetime:
    """A stored time, which is UTC, as one that says so."""
    parsed = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return parsed.replace(tzinfo=UTC)
