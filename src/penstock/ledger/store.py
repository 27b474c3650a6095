"""The ledger of one job in an SQL database: the engine's port, put together from one part for each idea."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from penstock import __version__
from penstock.ledger.adopting import Adopting
from penstock.ledger.base import FlagMarker, IsDead, Recall
from penstock.ledger.counters import Counters
from penstock.ledger.counting import Counting
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.doubts import Doubts
from penstock.ledger.eventlog import EventLog
from penstock.ledger.events import Event
from penstock.ledger.flags import FlagsDue
from penstock.ledger.heartbeat import Heartbeat
from penstock.ledger.held import HeldLeases
from penstock.ledger.jobrow import JobRow
from penstock.ledger.joining import Joining
from penstock.ledger.keysranges import KeysRanges
from penstock.ledger.late import LateAnswers
from penstock.ledger.leasing import Leasing
from penstock.ledger.lookup import Lookup
from penstock.ledger.notices import Notices
from penstock.ledger.planning import Planning
from penstock.ledger.ranges import Free, Lease, Left, Portion, Span, WindowKey
from penstock.ledger.recording import RowWriter
from penstock.ledger.rows import Asked, Counts, Doubt, LedgerRow, Notice, Settlement
from penstock.ledger.settling import Settling
from penstock.ledger.states import RowState
from penstock.ledger.sweeps import Sweeps
from penstock.ledger.takenover import TakenOver
from penstock.ledger.takeover import TakeOver
from penstock.ledger.transactions import Transactions
from penstock.ledger.windows import Windows
from penstock.ledger.workers import Control, Identity, JobRecord, Pulse
from penstock.rows import KeyText


class SqlLedger:
    """Made by `penstock.ledger.opening.open_ledger`. What each method promises stands in penstock.ledger.base.Ledger."""

    def __init__(
        self, transactions: Transactions, dialect: LedgerDialect, job_id: int, name: str, is_dead: IsDead
    ) -> None:
        job = self._job = JobRow(job_id)
        held = HeldLeases()
        rows = RowWriter(dialect, job_id)
        counters = Counters(job_id)
        self._job_id = job_id
        self._transactions = transactions
        self._events = EventLog(dialect, job_id)
        self._lookup = Lookup(transactions, dialect, job_id)
        self._joining = Joining(transactions, dialect, job_id, name, self._events, is_dead)
        self._planning = Planning(transactions, dialect, job, held)
        take_over = TakeOver(dialect, job, self._lookup, rows, self._events)
        self._leasing = Leasing(transactions, dialect, job, take_over, held)
        self._heartbeat = Heartbeat(transactions, dialect, job_id, held, is_dead)
        self._windows = Windows(transactions, dialect, job_id, self._events, held)
        self._settling = Settling(transactions, dialect, job, rows, self._events, held)
        self._adopting = Adopting(transactions, self._planning, self._settling)
        self._taken_over = TakenOver(transactions, job_id)
        self._late = LateAnswers(transactions, job, self._lookup, rows, self._events, counters)
        self._doubts = Doubts(transactions, dialect, job, self._lookup, rows, self._events, counters)
        self._keys_ranges = KeysRanges(transactions, dialect, job, self._lookup, counters, is_dead)
        self._sweeps = Sweeps(transactions, dialect, job, held)
        self._flags = FlagsDue(transactions, job_id)
        self._notices = Notices(transactions, dialect, job_id)
        self._counting = Counting(dialect)

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
        return await self._joining.join(identity, owner, host, pid, version=version, by_broker=by_broker)

    async def leave(self, owner: str, detail: str) -> None:
        await self._joining.leave(owner, detail)

    async def plan(self, after: KeyText | None, upto: KeyText, keys: int, owner: str, seconds: float) -> Lease | None:
        return await self._planning.plan(after, upto, keys, owner, seconds)

    async def plan_ahead(self, spans: Sequence[Span]) -> Sequence[Free]:
        return await self._planning.plan_ahead(spans)

    async def cursor(self) -> KeyText | None:
        return await self._planning.cursor()

    async def adopt(
        self, span: Span, found: Sequence[Settlement], rest: int, owner: str, mark: FlagMarker | None
    ) -> bool:
        return await self._adopting.adopt(span, found, rest, owner, mark)

    async def tell_total(self, keys: int) -> None:
        await self._planning.tell_total(keys)

    async def lease(
        self, owner: str, seconds: float, recall: Recall, is_dead: IsDead, only: int | None = None
    ) -> Lease | None:
        return await self._leasing.lease(owner, seconds, recall, is_dead, only)

    async def left(self, owner: str, is_dead: IsDead) -> Sequence[Left]:
        return await self._leasing.left(owner, is_dead)

    async def leave_open(self, left: Left, owner: str, recall: Recall) -> bool:
        return await self._leasing.leave_open(left, owner, recall)

    async def free(self, limit: int, owner: str, is_dead: IsDead) -> Sequence[Free]:
        return await self._leasing.free(limit, owner, is_dead)

    async def signing_key(self) -> bytes:
        return await self._job.signing_key(self._transactions)

    async def renew(
        self, leases: Sequence[Lease], seconds: float, owner: str, pulse: Pulse
    ) -> tuple[frozenset[int], Control]:
        return await self._heartbeat.renew(leases, seconds, owner, pulse)

    async def look_up(self, keys: Sequence[KeyText]) -> Mapping[KeyText, LedgerRow]:
        return await self._lookup.look_up(keys)

    async def unknown(self, keys: Sequence[KeyText]) -> frozenset[KeyText]:
        return await self._lookup.unknown(keys)

    async def waiting(self, range_no: int, after: KeyText | None, limit: int) -> Sequence[LedgerRow]:
        return await self._lookup.waiting(range_no, after, limit)

    async def open_window(
        self,
        lease: Lease,
        window: int,
        keys: Sequence[WindowKey],
        seconds: float,
        events: Sequence[Event] = (),
    ) -> None:
        await self._windows.open(lease, window, keys, seconds, events)

    async def note(self, events: Sequence[Event], owner: str) -> None:
        await self._transactions.write(partial(self._events.append, events=events, owner=owner))

    async def settle(self, portions: Sequence[Portion], mark: FlagMarker | None) -> None:
        await self._settling.settle(portions, mark)

    async def settle_late(self, lease: Lease, settlements: Sequence[Settlement], mark: FlagMarker | None) -> None:
        await self._late.settle(lease, settlements, mark)

    async def taken_over(self) -> Sequence[Lease]:
        return await self._taken_over.leases()

    async def in_doubt(self, after: LedgerRow | None, limit: int) -> Sequence[Doubt]:
        return await self._doubts.page(after, limit)

    async def settle_asked(self, asked: Sequence[Asked], owner: str, mark: FlagMarker | None) -> Sequence[Asked]:
        return await self._doubts.settle(asked, owner, mark)

    async def add_keys(self, keys: Sequence[KeyText], *, lease: Lease | None, reason: str) -> tuple[int, int | None]:
        return await self._keys_ranges.add(keys, lease, reason)

    async def start_sweep(self, owner: str, seconds: float) -> Lease | None:
        return await self._sweeps.start(owner, seconds)

    async def finish_sweep(self, lease: Lease, found: int) -> None:
        await self._sweeps.finish(lease, found)

    async def unfinished(self) -> int:
        return await self._sweeps.unfinished()

    async def first_unfinished(self) -> int:
        return await self._sweeps.first_unfinished()

    async def notices(self, state: RowState, after: tuple[int, KeyText], limit: int) -> Sequence[Notice]:
        return await self._notices.page(state, after, limit)

    async def told(self, notices: Sequence[Notice]) -> None:
        await self._notices.told(notices)

    async def last_sweep(self) -> tuple[int, int] | None:
        return await self._sweeps.last()

    async def flags_due(self, limit: int) -> Sequence[tuple[int, int]]:
        return await self._flags.due(limit)

    async def accepted(self, range_no: int, after: KeyText | None, limit: int) -> Sequence[tuple[KeyText, str | None]]:
        return await self._flags.accepted(range_no, after, limit)

    async def flags_written(self, range_no: int, batch: int) -> None:
        await self._flags.written(range_no, batch)

    async def counts(self) -> Counts:
        return await self._transactions.read(partial(self._counting.count, job_id=self._job_id))

    async def aclose(self) -> None:
        await self._transactions.database.aclose()
