"""The port to the ledger: ranges are leased, rows are settled. Every write is fenced; every method is one transaction.

Whoever implements it promises, and the contract suite in tests/ledger checks:
- a `Lease` that has been taken over can never write again (LeaseLost), whatever its clock says;
- leases are timed by the ledger database's clock, inside the statement;
- a COMMIT whose answer was lost is settled once: the same call made again finds out which it was;
- counters add up: for each range, rows = pending + imported + failed + in_doubt + skipped.
Methods raise LedgerUnreachable when the database does not answer; making the same call again is always safe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from penstock import __version__
from penstock.ledger.events import Event, StoredEvent
from penstock.ledger.ranges import Free, Lease, Left, Portion, Span, WindowKey
from penstock.ledger.rows import Asked, Cause, Counts, Doubt, DoubtsAhead, LedgerRow, Notice, Selection, Settlement
from penstock.ledger.states import RowState
from penstock.ledger.workers import Concurrency, Control, Identity, JobRecord, Pulse, Worker
from penstock.rows import KeyText

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

# Answers of a dead worker on this machine, by (owner, range_no, fence): read from its journal. The owner is part of it because
# a ledger that was dropped or set back gives the same range numbers and fences out again, but never the same owner.
Recall: TypeAlias = Callable[[str, int, int], Sequence[Settlement]]
# Whether the process behind an owner is proven dead (same machine, same boot, pid gone or another process's).
IsDead: TypeAlias = Callable[[str], bool]


class FlagMarker(Protocol):
    """Sets flags inside the settling transaction; penstock.source provides it. Raises FlagsLocked-like errors that the
    engine maps; see `Ledger.settle`."""

    async def __call__(self, connection: AsyncConnection, accepted: Sequence[Settlement]) -> bool:
        """True: marked. False: other sessions lock rows; nothing was marked, the range becomes `flags_due`."""
        ...


class Ledger(Protocol):
    """The verbs of the engine. What people do by command is in PeopleDesk, what they look at in ReadModel."""

    async def join(
        self,
        identity: Identity,
        owner: str,
        host: str,
        pid: int,
        *,
        version: str = __version__,
        by_broker: bool = False,
    ) -> JobRecord:
        """A worker joins: create the job's row or refuse it (LedgerRefused: other key or source; another file_hash, or another
        minor version of penstock, while workers of the first live), record a changed file, register the worker. by_broker: a
        broker hands it its ranges out."""
        ...

    async def leave(self, owner: str, detail: str) -> None:
        """The worker goes in good order: it is forgotten, an event is written."""
        ...

    async def plan(self, after: KeyText | None, upto: KeyText, keys: int, owner: str, seconds: float) -> Lease | None:
        """Move the cursor from `after` to `upto`, make the span and lease it, all at once; None: another worker has moved the
        cursor first, or a sweep is under way, which looks at these keys too. keys: how many keys of the key's own table it
        spans (an estimate of its rows)."""
        ...

    async def plan_ahead(self, spans: Sequence[Span]) -> Sequence[Free]:
        """Move the cursor over these spans, each beginning where the one before ends, and make them open ranges, all at once;
        returns them. Those that others have planned meanwhile are left out, if their spans end where one of these does. None of
        them: as `plan` says None; nothing was made, or it is found by `free`."""
        ...

    async def cursor(self) -> KeyText | None: ...

    async def adopt(
        self, span: Span, found: Sequence[Settlement], rest: int, owner: str, mark: FlagMarker | None
    ) -> bool:
        """Plan the span and settle those of its rows that the new store has already, all in one commit; the `rest` of its
        rows stay pending in an open range. False: as `plan` says None; nothing was written."""
        ...

    async def lease(
        self, owner: str, seconds: float, recall: Recall, is_dead: IsDead, only: int | None = None
    ) -> Lease | None:
        """Lease an open range, else take over one whose lease has run out or whose owner is dead. A take-over settles
        what `recall` knows, then writes the remaining keys of the old windows without a final row as in doubt
        (idempotent jobs: leaves them pending), deletes those windows and notes a TAKE_OVER event. None: nothing to lease.
        only: look at this range alone (`run --key`)."""
        ...

    async def left(self, owner: str, is_dead: IsDead) -> Sequence[Left]:
        """Ranges of other workers whose lease has run out or whose owner is dead. Nothing is locked."""
        ...

    async def leave_open(self, left: Left, owner: str, recall: Recall) -> bool:
        """Take over as `lease` does, and leave the range open for whoever has room. False: it is not what it was when it was
        looked at, or another is just taking it."""
        ...

    async def free(self, limit: int, owner: str, is_dead: IsDead) -> Sequence[Free]:
        """At most `limit` of the ranges that `lease` would give: open ones, and those whose lease has run out or whose owner is
        dead. Nothing is locked: others may have leased them by the time this returns."""
        ...

    async def signing_key(self) -> bytes:
        """32 random bytes that every worker of the job is told and nobody else is: made by the first who asks."""
        ...

    async def renew(
        self, leases: Sequence[Lease], seconds: float, owner: str, pulse: Pulse
    ) -> tuple[frozenset[int], Control]:
        """Heartbeat: renew these leases (an expired one that nobody took is renewed), tell the pulse. Returns the numbers
        of the ranges that are lost, and the job's control."""
        ...

    async def look_up(self, keys: Sequence[KeyText]) -> Mapping[KeyText, LedgerRow]:
        """Those of the keys that have a ledger row, whatever range wrote it. At most 1,000 keys."""
        ...

    async def unknown(self, keys: Sequence[KeyText]) -> frozenset[KeyText]:
        """Those of the keys that have no ledger row. At most 1,000 keys."""
        ...

    async def waiting(self, range_no: int, after: KeyText | None, limit: int) -> Sequence[LedgerRow]:
        """The next pending rows that carry this range's number, in key-text order."""
        ...

    async def open_window(
        self,
        lease: Lease,
        window: int,
        keys: Sequence[WindowKey],
        seconds: float,
        events: Sequence[Event] = (),
    ) -> None:
        """Write down keys that may be on the wire from now on. `window` counts up from 1 within a lease. Raises LeaseLost if
        owner or fence have moved, LedgerUnreachable if less than `seconds` of the lease are left: after the next heartbeat
        there is more."""
        ...

    async def note(self, events: Sequence[Event], owner: str) -> None:
        """Write events. What explains a further send is written before that send."""
        ...

    async def settle(self, portions: Sequence[Portion], mark: FlagMarker | None) -> None:
        """Write one batch: rows, flags, events, windows, last the guards; one commit for all portions. Raises LeaseLost with
        the first lost range_no and writes nothing then. A range whose accepted rows could not be flagged becomes flags_due;
        mark=None: flags live in another database, and every range with accepted rows does."""
        ...

    async def settle_late(self, lease: Lease, settlements: Sequence[Settlement], mark: FlagMarker | None) -> None:
        """Answers that came after the lease was lost: in doubt → imported, failed or pending (in a new keys range) where range
        and fence still match, each with a LATE_ANSWER event; an accepted row that waits for another send is imported instead;
        accepted rows that have gone out again since, or that a person gave up, get SENT_TWICE. Nothing after a reset."""
        ...

    async def taken_over(self) -> Sequence[Lease]:
        """Leases that were taken over, each of a range that has rows in doubt; batch: the range's last. For `settle_late`, with
        what their owners turn out to have known."""
        ...

    async def in_doubt(self, after: LedgerRow | None, limit: int) -> Sequence[Doubt]:
        """The next rows in doubt behind this one (None: from the start), by range and key."""
        ...

    async def settle_asked(self, asked: Sequence[Asked], owner: str, mark: FlagMarker | None) -> Sequence[Asked]:
        """What the API said of rows in doubt: in doubt → imported, failed, or pending (in a new keys range), each with its PROBED
        event; one that stays in doubt is told of whenever the detail is another than the last. Left alone is every row that
        is not what it was when it was asked about. Returns those of the asked that were settled: not in doubt any more."""
        ...

    async def add_keys(self, keys: Sequence[KeyText], *, lease: Lease | None, reason: str) -> tuple[int, int | None]:
        """Insert those of the keys that have no ledger row as pending in a new keys range (insert-or-nothing). Returns how many
        were new, and the new range's number (None if none was made). lease: the sweep's, checked in the same transaction;
        None: `run --key`, refused with LedgerRefused while any range is leased by a live worker; pending rows that wait in
        an open keys range are moved into the new one as well."""
        ...

    async def tell_total(self, keys: int) -> None:
        """How many keys the key's own table holds in all, as counted by a walk. Kept for `Counts.ahead`."""
        ...

    async def start_sweep(self, owner: str, seconds: float) -> Lease | None:
        """Make and lease a SWEEP range if every span is done and no other sweep is open or leased; else None."""
        ...

    async def finish_sweep(self, lease: Lease, found: int) -> None: ...

    async def unfinished(self) -> int:
        """How many ranges are open or leased: 0 means that every planned row is final."""
        ...

    async def first_unfinished(self) -> int:
        """The number of the first range that is open or leased; if there is none, the one that the next range gets. The rows of
        all ranges before it have ended."""
        ...

    async def notices(self, state: RowState, after: tuple[int, KeyText], limit: int) -> Sequence[Notice]:
        """The next rows in this state behind this range and key, in that order; key "": all of the range."""
        ...

    async def told(self, notices: Sequence[Notice]) -> None:
        """Others have been told of these rows, as each is here: of one that has changed since they will be again."""
        ...

    async def last_sweep(self) -> tuple[int, int] | None:
        """(range_no, found) of the last finished sweep; None if there was none."""
        ...

    async def flags_due(self, limit: int) -> Sequence[tuple[int, int]]:
        """(range_no, number) of ranges whose accepted rows may lack their flag; the number is for `flags_written`."""
        ...

    async def accepted(self, range_no: int, after: KeyText | None, limit: int) -> Sequence[tuple[KeyText, str | None]]:
        """Imported rows of a range as (key, receipt), in key-text order."""
        ...

    async def flags_written(self, range_no: int, batch: int) -> None:
        """All accepted rows of the range are flagged. batch: the number `flags_due` told; nothing if more became due since."""
        ...

    async def counts(self) -> Counts: ...

    async def aclose(self) -> None: ...


class PeopleDesk(Protocol):
    """What a person does by command. Each act leaves events and moves rows only along legal edges; at most 1,000 rows in a
    transaction, so that a live run's ledger is never locked for long. Cut off, it is made again: what was moved stays moved."""

    async def prepare(self) -> Sequence[str]:
        """Create what is missing; returns the statements run. `prepare_sql` only tells what it would run now."""
        ...

    async def prepare_sql(self) -> Sequence[str]: ...

    async def undo_prepare(self) -> Sequence[str]:
        """Drop the ledger's tables; refused (LedgerRefused) while any job has rows or windows in them, or a live worker."""
        ...

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...

    async def set_limits(self, *, rate: float | None, concurrency: Concurrency | None) -> None:
        """Both at once, requests per second and on the wire; None: as the job file says again."""
        ...

    async def retry(self, selection: Selection, *, renew_keys: bool) -> int:
        """failed or skipped → pending, in new keys ranges of at most 1,000; returns how many rows moved."""
        ...

    async def resolve(self, selection: Selection, state: RowState, *, receipt: str | None, note: str) -> int:
        """in doubt → imported, pending (new keys ranges) or failed; imported makes its range flags_due."""
        ...

    async def reopen(self, keys: Sequence[KeyText], note: str, *, renew_keys: bool) -> int:
        """imported → pending, in new keys ranges: `verify --fix` found that the new store has no such rows. The caller clears
        their flags. renew_keys: raise the generation of the idempotency keys first. Returns how many rows moved."""
        ...

    async def expect_flags(self) -> int:
        """Flags of accepted rows are about to be cleared: if it comes to no `reset`, the next run sets them again. Returns the
        number of the last event: what `reset` is to be told as `since`."""
        ...

    async def reset(self, *, renew_keys: bool, since: int | None = None) -> int:
        """Forget every row, range, window, the cursor and what the job's source and key were; events, range numbers and the
        generation stay (it is raised if asked). Refused (LedgerRefused) while a lease lives. Flags must have been cleared
        before; refused as well if a run has started since the event of that number, for it may have set some again. Cut off,
        it is made again. Returns how many rows were forgotten."""
        ...


class ReadModel(Protocol):
    """What status, rows, show, report and export look at. Never writes."""

    async def counts(self) -> Counts: ...
    async def generation(self) -> int:
        """Of the idempotency keys: 1, and one more for each time that a person renewed them."""
        ...

    async def signing_key(self) -> bytes:
        """As Ledger.signing_key tells it; empty: no worker has asked for one yet."""
        ...

    async def control(self) -> Control: ...
    async def workers(self) -> Sequence[Worker]: ...
    async def causes(self) -> Sequence[Cause]: ...
    async def doubts(self, seconds: float) -> DoubtsAhead:
        """seconds: for how long a row must have been in doubt."""
        ...

    async def rows(self, states: frozenset[RowState], after: KeyText | None, limit: int) -> Sequence[LedgerRow]: ...
    async def row(self, key: KeyText) -> LedgerRow | None: ...
    async def look_up(self, keys: Sequence[KeyText]) -> Mapping[KeyText, LedgerRow]:
        """Those of the keys that have a ledger row. At most 1,000 keys."""
        ...

    async def events(self, *, key: KeyText | None = None, limit: int = 100) -> Sequence[StoredEvent]: ...
    async def history(self, since: int, limit: int) -> Sequence[tuple[int, StoredEvent]]:
        """The next events behind the one of this number (0: from the first), the oldest first, each with its number."""
        ...
