"""Taking a range: the fence goes up, and what the last owner may have had on the wire becomes what can be known of it.

All in the transaction that leases it or leaves it open: a crash in between must not leave a range that is ours, or anybody's,
with windows that nobody looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.events import EventKind
from penstock.ledger.aftermath import aftermath
from penstock.ledger.base import Recall
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.eventlog import EventLog
from penstock.ledger.events import Event
from penstock.ledger.jobrow import JobRow
from penstock.ledger.lookup import Lookup, moment
from penstock.ledger.ranges import Lease, RangeKind, WindowKey
from penstock.ledger.recording import RowWriter, final_counts
from penstock.ledger.rows import Settlement
from penstock.ledger.statements import statement
from penstock.ledger.states import RowState
from penstock.ledger.takenover import from_whom
from penstock.ledger.windows import keys_of
from penstock.rows import KeyText

# So many take-overs in a row without a batch in between: one of its rows kills its worker.
POISONED = 3

TAKEN_COLUMNS = "range_no, kind, owner, fence, batch, after_key, upto_key, take_overs, take_over_batch"

_TAKE = """
UPDATE penstock_ranges SET
  {becomes},
  take_overs = :take_overs, take_over_batch = :take_over_batch,
  imported = imported + :imported, failed = failed + :failed, in_doubt = in_doubt + :in_doubt, skipped = skipped + :skipped,
  flags_due = CASE WHEN :imported > 0 THEN 1 ELSE flags_due END, flags_no = flags_no + :imported
WHERE job_id = :job AND range_no = :range AND fence = :fence
"""

_WINDOWS = statement(
    "SELECT row_keys, opened_at FROM penstock_windows WHERE job_id = :job AND range_no = :range ORDER BY fence, window_no"
)
_DROP_WINDOWS = statement("DELETE FROM penstock_windows WHERE job_id = :job AND range_no = :range")

_LEASED = "state = 'leased', owner = :owner, fence = fence + 1, lease_until = {later}"
# Under a fence of its own too: whoever had it finds that it is lost.
_LEFT_OPEN = "state = 'open', owner = NULL, fence = fence + 1"

# Proven dead: it counts no longer when rate and concurrency are shared out.
_FORGET_WORKER = statement("DELETE FROM penstock_workers WHERE job_id = :job AND owner = :owner")


class Why(StrEnum):
    """Why a range may be leased."""

    OPEN = "open"
    RUN_OUT = "its lease had run out"
    DEAD = "its process is gone"
    LET_GO = "its own worker has let go of it, or never heard that it had it"


@dataclass(frozen=True, slots=True)
class Taken:
    """The range as its last owner left it, locked."""

    range_no: int
    kind: RangeKind
    owner: str | None
    fence: int
    batch: int
    after: KeyText | None
    upto: KeyText | None
    take_overs: int
    take_over_batch: int | None

    @classmethod
    def of(cls, row: tuple[int, str, str | None, int, int, str | None, str | None, int, int | None]) -> Taken:
        return cls(row[0], RangeKind(row[1]), *row[2:])

    def take_overs_after(self, why: Why) -> int:
        """How many in a row without progress, this one with it."""
        without_progress = self.take_overs if self.take_over_batch == self.batch else 0
        return without_progress + (why in (Why.RUN_OUT, Why.DEAD))


class TakeOver:
    def __init__(self, dialect: LedgerDialect, job: JobRow, lookup: Lookup, rows: RowWriter, events: EventLog) -> None:
        self._job = job
        self._lookup = lookup
        self._rows = rows
        self._events = events
        self._take = dialect.statement(_TAKE, becomes=_LEASED.format(**dialect.words))
        self._leave_open = dialect.statement(_TAKE, becomes=_LEFT_OPEN)

    async def take(
        self, connection: AsyncConnection, taken: Taken, why: Why, owner: str, seconds: float, recall: Recall
    ) -> Lease:
        """The range becomes the owner's."""
        take_overs = await self._pass_on(connection, taken, why, self._take, owner, recall, seconds)
        return Lease(
            taken.range_no,
            taken.kind,
            owner,
            taken.fence + 1,
            taken.batch,
            taken.after,
            taken.upto,
            one_by_one=take_overs >= POISONED,
        )

    async def leave_open(self, connection: AsyncConnection, taken: Taken, why: Why, owner: str, recall: Recall) -> None:
        """The range becomes nobody's. Counted and told as the owner's take-over: whoever leases it then takes nothing over."""
        await self._pass_on(connection, taken, why, self._leave_open, owner, recall)

    async def _pass_on(
        self,
        connection: AsyncConnection,
        taken: Taken,
        why: Why,
        become: TextClause,
        owner: str,
        recall: Recall,
        seconds: float | None = None,
    ) -> int:
        """Returns how many take-overs in a row without progress it has seen."""
        settlements = await self._clear_up(connection, taken, recall)
        counts = await self._record(connection, taken, settlements)
        take_overs = taken.take_overs_after(why)
        parameters = {
            "job": self._job.job_id,
            "range": taken.range_no,
            "fence": taken.fence,
            "owner": owner,
            "seconds": seconds,
            "take_overs": take_overs,
            "take_over_batch": taken.batch,
            **{state.value: counts.get(state, 0) for state in RowState if state.is_final},
        }
        await connection.execute(become, parameters)
        if why is not Why.OPEN:
            await self._events.append(connection, [_tell(taken, why, settlements)], owner)
        if why is Why.DEAD:
            await connection.execute(_FORGET_WORKER, {"job": self._job.job_id, "owner": taken.owner})
        return take_overs

    async def _clear_up(self, connection: AsyncConnection, taken: Taken, recall: Recall) -> Sequence[Settlement]:
        if not taken.fence:
            return ()  # nobody has held it yet
        named = {"job": self._job.job_id, "range": taken.range_no}
        exposed: dict[KeyText, WindowKey] = {}
        windows = (await connection.execute(_WINDOWS, named)).all()
        for row_keys, opened_at in windows:
            for sent in keys_of(row_keys):
                before = exposed.get(sent.key)
                # A job that was not idempotent wrote no times down: now it may be idempotent for a while.
                first_sent = (before and before.first_sent) or sent.first_sent or moment(opened_at).timestamp()
                exposed[sent.key] = sent._replace(first_sent=first_sent)
        recalled = recall(taken.owner, taken.range_no, taken.fence) if taken.owner is not None else ()
        if not exposed and not recalled:
            return ()
        known = await self._lookup.locked(connection, [*exposed, *(settlement.key for settlement in recalled)])
        if windows:
            await connection.execute(_DROP_WINDOWS, named)
        return aftermath(exposed, known, recalled, is_idempotent=await self._job.is_idempotent(connection))

    async def _record(
        self, connection: AsyncConnection, taken: Taken, settlements: Sequence[Settlement]
    ) -> dict[RowState, int]:
        """Under the fence of the worker that is gone: should it come back with an answer, it is known by it."""
        if not settlements:
            return {}
        records = [(settlement, taken.range_no, taken.fence) for settlement in settlements]
        conflicts = await self._rows.settle(connection, records)
        return dict(final_counts(records, conflicts).get(taken.range_no, {}))


def _tell(taken: Taken, why: Why, settlements: Sequence[Settlement]) -> Event:
    in_doubt = sum(settlement.state is RowState.IN_DOUBT for settlement in settlements)
    whom = from_whom(taken.owner, taken.fence)
    detail = f"{whom}{why}; {len(settlements) - in_doubt} rows known, {in_doubt} in doubt"
    return Event(EventKind.TAKE_OVER, detail, range_no=taken.range_no)
