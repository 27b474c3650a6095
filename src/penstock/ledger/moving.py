"""A person moves rows along legal edges: at most 1,000 in a transaction, so that no long lock lies on a live run's ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Row, TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.events import EventKind
from penstock.ledger.counters import Change, Counters
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.eventlog import EventLog
from penstock.ledger.events import Event
from penstock.ledger.jobrow import JobRow
from penstock.ledger.lengths import RECEIPT_LENGTH
from penstock.ledger.rows import Selection
from penstock.ledger.states import RowState, is_legal
from penstock.ledger.text import fit_or_none
from penstock.ledger.transactions import Transactions
from penstock.rows import KeyText

AT_ONCE = 1000

# One state at a time, by range: the index gives the order. Rows that a live run fails again meanwhile lie in newer ranges and are
# left alone: else the walk might never end.
_SELECT = """
SELECT row_key, range_no, status, reason FROM penstock_rows
WHERE job_id = :job AND state = :before AND range_no >= :from_range AND range_no < :first_new_range {conditions}
ORDER BY range_no, row_key LIMIT :limit {for_update}
"""
_CONDITIONS = {
    "keys": "AND row_key IN :keys",
    "reason": "AND {position}(reason, :reason) > 0",
    "status": "AND status = :status",
}

# Fresh from the source: no attempt is charged for what was before. first_sent stays where the row may have been on the wire: the
# API remembers its key only for a while.
_MAKE_PENDING = """
UPDATE penstock_rows SET state = 'pending', range_no = :range, attempts = 0, answer = NULL, receipt = NULL, updated_at = {now},
  first_sent = CASE WHEN :is_fresh = 1 THEN NULL ELSE first_sent END
WHERE job_id = :job AND state = :before AND row_key IN :keys
"""

_END = """
UPDATE penstock_rows SET state = :after, receipt = COALESCE(:receipt, receipt), updated_at = {now}
WHERE job_id = :job AND state = :before AND row_key IN :keys
"""


@dataclass(frozen=True, slots=True)
class Act:
    """What a person wants. is_fresh: what may have been sent before no longer counts. kind, note: for the event."""

    after: RowState
    kind: EventKind
    note: str = ""
    receipt: str | None = None
    is_fresh: bool = False


class _Moved(NamedTuple):
    """last_range: where to go on looking. is_all: there are no more."""

    rows: int
    last_range: int
    is_all: bool


class RowMover:
    def __init__(self, transactions: Transactions, dialect: LedgerDialect, job_id: int) -> None:
        self._transactions = transactions
        self._dialect = dialect
        self._job = JobRow(job_id)
        self._job_id = job_id
        self._events = EventLog(dialect, job_id)
        self._counters = Counters(job_id)
        self._make_pending = dialect.statement(_MAKE_PENDING)
        self._end = dialect.statement(_END)

    async def move(self, selection: Selection, before: RowState, act: Act) -> int:
        """Every row of the selection that is `before`; returns how many."""
        if not is_legal(before, act.after):
            raise AssertionError(f"{before} → {act.after} is no edge")
        moved = 0
        from_range = 0
        first_new_range = await self._job.reserve_range_no(self._transactions)
        new_range = first_new_range
        while True:
            found = await self._transactions.write(
                partial(
                    self._move_some,
                    selection=selection,
                    before=before,
                    act=act,
                    bounds=(from_range, first_new_range),
                    new_range=new_range,
                )
            )
            moved += found.rows
            if found.is_all:
                return moved
            from_range = found.last_range
            new_range = await self._job.reserve_range_no(self._transactions)

    async def _move_some(
        self,
        connection: AsyncConnection,
        selection: Selection,
        before: RowState,
        act: Act,
        bounds: tuple[int, int],
        new_range: int,
    ) -> _Moved:
        made = await self._counters.keys_range_made(connection, new_range)
        if made is not None:
            return _Moved(made, bounds[0], is_all=False)
        found = (await connection.execute(*self._select(selection, before, bounds))).all()
        if not found:
            return _Moved(0, 0, is_all=True)
        keys: list[KeyText] = [row.row_key for row in found]
        named = {"job": self._job_id, "before": before.value, "keys": keys}
        if act.after is RowState.PENDING:
            parameters = {**named, "range": new_range, "is_fresh": int(act.is_fresh)}
            await connection.execute(self._make_pending, parameters)
            await self._counters.add_keys_range(connection, new_range, len(keys))
        else:
            receipt = fit_or_none(act.receipt, RECEIPT_LENGTH)
            await connection.execute(self._end, {**named, "after": act.after.value, "receipt": receipt})
        await self._tell(connection, before, act, found, new_range)
        changes: dict[int, Change] = {}
        for row in found:
            change = changes.setdefault(row.range_no, Change())
            change.ended(before, act.after)
            change.left += act.after is RowState.PENDING
            change.is_unflagged |= act.after is RowState.IMPORTED
        await self._counters.change(connection, changes)
        return _Moved(len(found), found[-1].range_no, is_all=len(found) < AT_ONCE)

    def _select(
        self, selection: Selection, before: RowState, bounds: tuple[int, int]
    ) -> tuple[TextClause, dict[str, object]]:
        asked = {
            "keys": list(selection.keys) or None,
            "reason": selection.reason or None,
            "status": selection.status,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        conditions = " ".join(_CONDITIONS[name].format(**self._dialect.words) for name in given)
        select = self._dialect.statement(_SELECT, conditions=conditions)
        from_range, first_new_range = bounds
        parameters = {
            "job": self._job_id,
            "before": before.value,
            "from_range": from_range,
            "first_new_range": first_new_range,
            "limit": AT_ONCE,
        }
        return select, {**parameters, **given}

    async def _tell(
        self, connection: AsyncConnection, before: RowState, act: Act, rows: Sequence[Row[Any]], new_range: int
    ) -> None:
        """One event for all, naming the new range and what will be forgotten: why they were `before`. A decision on rows that
        stay where they are names each, and they keep their reason."""
        note = f": {act.note}" if act.note else ""
        if act.after is RowState.PENDING:
            detail = f"{_counted(len(rows))}, {before} → {act.after}{note}; before: {_reasons(rows)}"
            events = [Event(act.kind, detail, range_no=new_range)]
        else:
            events = [Event(act.kind, f"{before} → {act.after}{note}", row.row_key) for row in rows]
        await self._events.append(connection, events, owner=None)


def _counted(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows} rows"


def _reasons(rows: Sequence[Row[Any]]) -> str:
    """The most frequent first; those for which the event has no room are cut."""
    causes = Counter(row.reason or f"status {row.status}" for row in rows)
    return ", ".join(cause if len(causes) == 1 else f"{cause} ({number})" for cause, number in causes.most_common(20))
