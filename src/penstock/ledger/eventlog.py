"""Writing the event log: whatever is out of the ordinary, in the same transaction as what it tells of."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.dialect import CHARACTERS, INTEGER, LedgerDialect
from penstock.ledger.events import Event
from penstock.ledger.lengths import DETAIL_LENGTH
from penstock.ledger.text import fit

_COLUMNS = (("kind", CHARACTERS), ("detail", CHARACTERS), ("row_key", CHARACTERS), ("range_no", INTEGER))

_APPEND = """
INSERT INTO penstock_events (job_id, at, kind, detail, row_key, range_no, owner)
SELECT :job, {now}, kind, detail, row_key, range_no, :owner FROM {batch}
"""


class EventLog:
    def __init__(self, dialect: LedgerDialect, job_id: int) -> None:
        self._job_id = job_id
        self._pack = dialect.pack
        self._append = dialect.statement(_APPEND, batch=dialect.unpack(_COLUMNS))

    async def append(self, connection: AsyncConnection, events: Sequence[Event], owner: str | None) -> None:
        """owner: the worker that tells; None: a person."""
        if events:
            rows: list[list[object]] = [
                [event.kind.value, fit(event.detail, DETAIL_LENGTH), event.key, event.range_no] for event in events
            ]
            await connection.execute(self._append, {"job": self._job_id, "owner": owner, "packed": self._pack(rows)})
