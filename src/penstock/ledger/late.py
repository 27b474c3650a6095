"""Late answers: what a worker learns after its range was taken from it. Proof that a row arrived is never thrown away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.events import EventKind
from penstock.ledger.base import FlagMarker
from penstock.ledger.counters import Change, Counters
from penstock.ledger.eventlog import EventLog
from penstock.ledger.events import Event
from penstock.ledger.jobrow import JobRow
from penstock.ledger.lookup import Lookup
from penstock.ledger.ranges import Lease
from penstock.ledger.recording import RowWriter
from penstock.ledger.rows import LedgerRow, Settlement
from penstock.ledger.statements import statement
from penstock.ledger.states import RowState
from penstock.ledger.transactions import Transactions
from penstock.rows import KeyText

_RANGE_IS_THERE = statement("SELECT 1 FROM penstock_ranges WHERE job_id = :job AND range_no = :range")
_ALL_WINDOWS = statement("SELECT row_keys FROM penstock_windows WHERE job_id = :job")


class Step(Enum):
    """What a late answer changes."""

    NOTHING = "known already, or of no use any more"
    WRITE = "it settles the row, which counts for the answer's own range from now on"
    WAIT = "it was not applied: the row goes into a new keys range"
    ALARM = "accepted, and the row has gone out again since or a person has decided otherwise"


def late_step(
    answer: Settlement, lease: Lease, row: LedgerRow | None, *, may_be_out: bool, is_idempotent: bool
) -> Step:
    """row: what the ledger says now. may_be_out: another worker may have the row on the wire at this moment. Pure."""
    is_accepted = answer.state is RowState.IMPORTED
    if row is None:
        # Only what was never in a window has no row, or what another worker is just sending again, harmlessly.
        return Step.WRITE if is_accepted and is_idempotent else Step.NOTHING
    is_ours = (row.range_no, row.fence) == (lease.range_no, lease.fence)
    if row.state is RowState.IN_DOUBT and is_ours:
        if answer.state is RowState.PENDING:
            return Step.WAIT
        return Step.NOTHING if answer.state is RowState.SKIPPED else Step.WRITE
    if not is_accepted or (row.state is RowState.IMPORTED and is_ours):
        return Step.NOTHING
    if row.state is RowState.PENDING and (is_idempotent or not may_be_out):
        return Step.WRITE
    return Step.NOTHING if is_idempotent and row.state is RowState.IMPORTED else Step.ALARM


@dataclass(frozen=True, slots=True)
class _Decided:
    answer: Settlement
    row: LedgerRow | None
    step: Step


class LateAnswers:
    def __init__(
        self,
        transactions: Transactions,
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

    async def settle(self, lease: Lease, settlements: Sequence[Settlement], mark: FlagMarker | None) -> None:
        """See Ledger.settle_late."""
        new_range = None
        if any(settlement.state is RowState.PENDING for settlement in settlements):
            new_range = await self._job.reserve_range_no(self._transactions)
        # Of several answers for a row the last one holds.
        answers = {settlement.key: settlement for settlement in settlements}
        await self._transactions.write(
            partial(self._settle, lease=lease, answers=list(answers.values()), mark=mark, new_range=new_range)
        )

    async def _settle(
        self,
        connection: AsyncConnection,
        lease: Lease,
        answers: Sequence[Settlement],
        mark: FlagMarker | None,
        new_range: int | None,
    ) -> None:
        named = {"job": self._job.job_id, "range": lease.range_no}
        if (await connection.execute(_RANGE_IS_THERE, named)).first() is None:
            return  # the ledger was reset meanwhile
        decided = await self._decide(connection, lease, answers)
        written = [one for one in decided if one.step is Step.WRITE]
        waiting = [one for one in decided if one.step is Step.WAIT]
        records = [(one.answer, lease.range_no, lease.fence) for one in written]
        if new_range is not None:
            records += [(one.answer, new_range, lease.fence) for one in waiting]
        if records:
            await self._rows.settle_late(connection, records)
        accepted = [one for one in written if one.answer.state is RowState.IMPORTED]
        flagged = not accepted or (mark is not None and await mark(connection, [one.answer for one in accepted]))
        await self._events.append(connection, _events(decided, lease), lease.owner)
        if waiting and new_range is not None:
            await self._counters.add_keys_range(connection, new_range, len(waiting))
        await self._counters.change(connection, _changes(written, waiting, lease, is_flagged=flagged))

    async def _decide(
        self, connection: AsyncConnection, lease: Lease, answers: Sequence[Settlement]
    ) -> Sequence[_Decided]:
        is_idempotent = await self._job.is_idempotent(connection)
        known = await self._lookup.locked(connection, [answer.key for answer in answers])
        out = await self._keys_out(connection) if known else frozenset()
        return [
            _Decided(
                answer,
                row := known.get(answer.key),
                late_step(answer, lease, row, may_be_out=answer.key in out, is_idempotent=is_idempotent),
            )
            for answer in answers
        ]

    async def _keys_out(self, connection: AsyncConnection) -> frozenset[KeyText]:
        windows = (await connection.execute(_ALL_WINDOWS, {"job": self._job.job_id})).scalars()
        return frozenset(key for row_keys in windows for key, *_ in orjson.loads(row_keys))


def _changes(
    written: Sequence[_Decided], waiting: Sequence[_Decided], lease: Lease, *, is_flagged: bool
) -> Mapping[int, Change]:
    changes: defaultdict[int, Change] = defaultdict(Change)
    for one in written:
        before = one.row.state if one.row else None
        if one.row is not None and one.row.range_no != lease.range_no:  # it waited in another range, and comes home
            changes[one.row.range_no].left += 1
            changes[lease.range_no].left -= 1
        change = changes[lease.range_no]
        change.ended(before, one.answer.state)
        change.is_unflagged |= not is_flagged and one.answer.state is RowState.IMPORTED
    for one in waiting:
        change = changes[lease.range_no]
        change.ended(RowState.IN_DOUBT, one.answer.state)
        change.left += 1
    return changes


def _events(decided: Sequence[_Decided], lease: Lease) -> list[Event]:
    events = []
    for answer, row, step in ((one.answer, one.row, one.step) for one in decided):
        was = row.state if row else "not in the ledger"
        if step is Step.ALARM:
            detail = f"accepted late, but the ledger has it as {was} by range {row.range_no if row else lease.range_no}"
            events.append(Event(EventKind.SENT_TWICE, detail, answer.key, lease.range_no))
        elif step is not Step.NOTHING:
            detail = f"was {was}, is {answer.state}"
            events.append(Event(EventKind.LATE_ANSWER, detail, answer.key, lease.range_no))
    return events
