"""Rows in doubt that the API is asked about: which there are, and what becomes of them.

Whoever asks holds no lease: hours may lie between the question and the answer's commit. So nothing is written unless the row,
locked now, is to the letter what it was before it was asked about: else a late answer, a person, or another worker that asked as
well has won.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.events import EventKind
from penstock.ledger.base import FlagMarker
from penstock.ledger.counters import Change, Counters
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.eventlog import EventLog
from penstock.ledger.events import Event
from penstock.ledger.jobrow import JobRow
from penstock.ledger.lengths import REASON_LENGTH
from penstock.ledger.lookup import ROW_COLUMNS, Lookup, ledger_row
from penstock.ledger.recording import RowWriter
from penstock.ledger.rows import Asked, Doubt, LedgerRow
from penstock.ledger.statements import statement
from penstock.ledger.states import RowState
from penstock.ledger.text import fit
from penstock.ledger.transactions import Transactions
from penstock.rows import KeyText

# Served in order by penstock_rows_by_state: the few that are in doubt among however many are imported.
_IN_DOUBT = """
SELECT {row}, {age} FROM penstock_rows AS known
WHERE job_id = :job AND state = 'in_doubt' AND range_no >= :range AND (range_no > :range OR row_key > :after)
ORDER BY range_no, row_key LIMIT :limit
"""

# The newest last: a page of rows is asked about again and again, and only what is new is told.
_TOLD = statement(f"""
SELECT row_key, detail FROM penstock_events
WHERE job_id = :job AND row_key IN :keys AND kind = '{EventKind.PROBED.value}' ORDER BY event_no
""")  # noqa: S608 (a word of this package)


class Doubts:
    def __init__(
        self,
        transactions: Transactions,
        dialect: LedgerDialect,
        job: JobRow,
        lookup: Lookup,
        rows: RowWriter,
        events: EventLog,
        counters: Counters,
    ) -> None:
        self._transactions = transactions
        self._job = job
        self._lookup = lookup
        self._rows = rows
        self._events = events
        self._counters = counters
        self._in_doubt = dialect.statement(_IN_DOUBT, row=ROW_COLUMNS)

    async def page(self, after: LedgerRow | None, limit: int) -> Sequence[Doubt]:
        """See Ledger.in_doubt."""
        range_no, key = (after.range_no, after.key) if after else (0, "")
        parameters = {"job": self._job.job_id, "range": range_no, "after": key, "limit": limit}

        async def read(connection: AsyncConnection) -> Sequence[Doubt]:
            found = (await connection.execute(self._in_doubt, parameters)).all()
            return [Doubt(ledger_row(tuple(row)), float(age)) for *row, age in found]

        return await self._transactions.read(read)

    async def settle(self, asked: Sequence[Asked], owner: str, mark: FlagMarker | None) -> Sequence[Asked]:
        """See Ledger.settle_asked."""
        new_range = None
        if any(one.settlement.state is RowState.PENDING for one in asked):
            new_range = await self._job.reserve_range_no(self._transactions)
        return await self._transactions.write(
            partial(self._settle, asked=asked, owner=owner, mark=mark, new_range=new_range)
        )

    async def _settle(
        self,
        connection: AsyncConnection,
        asked: Sequence[Asked],
        owner: str,
        mark: FlagMarker | None,
        new_range: int | None,
    ) -> Sequence[Asked]:
        known = await self._lookup.locked(connection, [one.seen.key for one in asked])
        same = [one for one in asked if known.get(one.seen.key) == one.seen]
        settled = [one for one in same if one.settlement.state is not RowState.IN_DOUBT]
        records = [(one.settlement, _range_of(one, new_range), one.seen.fence) for one in settled]
        if records:
            await self._rows.settle_late(connection, records)
        accepted = [one.settlement for one in settled if one.settlement.state is RowState.IMPORTED]
        is_flagged = not accepted or (mark is not None and await mark(connection, accepted))
        await self._tell(connection, same, owner, new_range)
        waiting = [one for one in settled if one.settlement.state is RowState.PENDING]
        if waiting and new_range is not None:
            await self._counters.add_keys_range(connection, new_range, len(waiting))
        await self._counters.change(connection, _changes(settled, is_flagged=is_flagged))
        return settled

    async def _tell(
        self, connection: AsyncConnection, same: Sequence[Asked], owner: str, new_range: int | None
    ) -> None:
        """Whatever became of a row, and of those that stay in doubt what was not said of them before."""
        stay = [one.seen.key for one in same if one.settlement.state is RowState.IN_DOUBT]
        told: dict[KeyText, str] = {}
        if stay:
            found = await connection.execute(_TOLD, {"job": self._job.job_id, "keys": stay})
            for key, detail in found:
                told[key] = detail
        events = [
            Event(EventKind.PROBED, _detail(one), one.seen.key, _range_of(one, new_range))
            for one in same
            if one.settlement.state is not RowState.IN_DOUBT
            or not told.get(one.seen.key, "").startswith(fit(one.detail, REASON_LENGTH))
        ]
        await self._events.append(connection, events, owner)


def _detail(asked: Asked) -> str:
    return asked.detail + (f"; the API said: {asked.said}" if asked.said else "")


def _range_of(asked: Asked, new_range: int | None) -> int:
    """Where the row belongs from now on."""
    if asked.settlement.state is RowState.PENDING and new_range is not None:
        return new_range
    return asked.seen.range_no


def _changes(settled: Sequence[Asked], *, is_flagged: bool) -> Mapping[int, Change]:
    changes: dict[int, Change] = {}
    for seen, settlement, *_ in settled:
        change = changes.setdefault(seen.range_no, Change())
        change.ended(RowState.IN_DOUBT, settlement.state)
        change.left += settlement.state is RowState.PENDING
        change.is_unflagged |= not is_flagged and settlement.state is RowState.IMPORTED
    return changes
