"""A worker as the model plays it: what it holds in memory, what its journal has, and what it does to rows, one step at a time.

It does what the engine does, in the same order: rows are noted in the journal before their window and withdrawn before they are
sent, and answers stand in it before the ledger has them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection
from tests.ledger.contract.bench import JOB, PULSE, SECONDS, marked

from penstock.database.connect import Database
from penstock.errors import LeaseLost, LedgerUnreachable
from penstock.ledger.base import IsDead
from penstock.ledger.dialect import dialect_of
from penstock.ledger.journal import Journal
from penstock.ledger.ranges import Lease, Portion, WindowKey
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState
from penstock.ledger.store import SqlLedger
from penstock.ledger.transactions import Transactions

Result = TypeVar("Result")


class Forgetful(Transactions):
    """loses: so many of the next COMMITs are applied and their answers lost; the work is done again then, as ever."""

    loses = 0

    async def write(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        if self.loses:
            self.loses -= 1
            await super().write(work)
        return await super().write(work)


class Fate(Enum):
    """What becomes of a request: whether it is applied, and what the worker makes of what it hears."""

    ACCEPTED = (True, RowState.IMPORTED)
    REFUSED = (False, RowState.FAILED)
    THROTTLED = (False, RowState.PENDING)
    ANSWER_LOST = (True, RowState.IN_DOUBT)
    REQUEST_LOST = (False, RowState.IN_DOUBT)
    APPLIED_AND_DIED = (True, None)  # the worker dies before it hears anything
    DIED = (False, None)

    def __init__(self, is_applied: bool, heard: RowState | None) -> None:
        self.is_applied = is_applied
        self.heard = heard


@dataclass
class Work:
    """A range in a worker's hands. It may have been taken from it without its knowing.

    waiting: rows that may be announced. announced: key → window, of those that may be sent now. heard: what became of others.
    trusts: the worker takes its lease for long enough to send, by its own clock.
    """

    lease: Lease
    waiting: list[str]
    batch: int
    announced: dict[str, int] = field(default_factory=dict)
    heard: list[Settlement] = field(default_factory=list)
    windows: int = 0
    open_windows: set[int] = field(default_factory=set)
    trusts: bool = True

    @property
    def unfinished(self) -> int:
        return len(self.waiting) + len(self.announced)


class Worker:
    """One process, with its own connections' ledger and its own journal, until it dies."""

    def __init__(self, database: Database, owner: str, folder: Path, job_id: int, is_dead: IsDead) -> None:
        self.owner = owner
        self.transactions = Forgetful(database)
        self.ledger = SqlLedger(self.transactions, dialect_of(database.kind), job_id, JOB, is_dead)
        self.journal = Journal(folder, JOB, owner)
        self.works: list[Work] = []
        self.lost: list[tuple[Lease, Sequence[Settlement]]] = []  # answers of lost ranges, not told yet
        self._is_dead = is_dead
        self._folder = folder

    async def plan(self, after: str | None, upto: str, keys: int) -> None:
        lease = await self.ledger.plan(after, upto, keys, self.owner, SECONDS)
        assert lease is not None, "nobody else plans at the same time"
        await self._begin(lease)

    async def lease(self) -> bool:
        """What is open, what has run out, or what a dead one left, whose journal is read. Returns whether there was any."""
        lease = await self.ledger.lease(self.owner, SECONDS, self.journal.recall, self._is_dead)
        if lease is not None:
            await self._begin(lease)
        return lease is not None

    async def announce(self, work: Work, most: int) -> None:
        keys = work.waiting[:most]
        if not keys:
            return
        work.windows += 1
        self.journal.hold_back(work.lease.range_no, work.lease.fence, keys)
        try:
            await self.ledger.open_window(work.lease, work.windows, [WindowKey(key) for key in keys], 1.0)
        except LeaseLost:
            self.lose(work)
        except LedgerUnreachable:
            pass  # its lease is too short, and nobody has taken it: nothing was written
        else:
            del work.waiting[: len(keys)]
            work.announced |= dict.fromkeys(keys, work.windows)
            work.open_windows.add(work.windows)

    def send(self, work: Work, fate: Fate) -> str:
        """The first that is announced. Returns its key."""
        key = next(iter(work.announced))
        del work.announced[key]
        self.journal.withdraw(work.lease.range_no, [key])
        self.journal.flush()  # as the sender does before the first byte
        if fate.heard is not None:
            self._hear(work, Settlement(key, fate.heard, 1, 200, fate.name))
            if not fate.heard.is_final:
                work.waiting.append(key)
        return key

    def skip(self, work: Work) -> None:
        """The mapping says that a row is not to be sent."""
        if work.waiting:
            self._hear(work, Settlement(work.waiting.pop(0), RowState.SKIPPED, reason="skipped by the mapping"))

    async def settle(self, work: Work, most: int) -> None:
        """The oldest answers, or all; with the last of its rows the range is done."""
        settlements = work.heard[:most]
        rest = work.heard[most:]
        remaining = work.unfinished + sum(settlement.state.is_final for settlement in rest)
        windows = tuple(work.open_windows - set(work.announced.values())) if not rest else ()
        portion = Portion(
            work.lease,
            work.batch + 1,
            settlements,
            windows_done=windows,
            remaining=remaining,
            finished=remaining == 0,
        )
        if await self._settle(work, portion):
            del work.heard[: len(settlements)]
            work.open_windows -= set(windows)
            if portion.finished:
                self.works.remove(work)

    async def give_back(self, work: Work) -> None:
        portion = Portion(
            work.lease, work.batch + 1, work.heard, windows_done=tuple(work.open_windows), release=True
        )  # what was announced and not sent is not on the wire
        if await self._settle(work, portion):
            self.works.remove(work)

    async def beat(self) -> None:
        leases = [work.lease for work in self.works]
        lost, _ = await self.ledger.renew(leases, SECONDS, self.owner, PULSE)
        for work in list(self.works):
            work.trusts = True
            if work.lease.range_no in lost:
                self.lose(work)

    async def sweep(self, keys: Sequence[str]) -> None:
        sweep = await self.ledger.start_sweep(self.owner, SECONDS)
        if sweep is not None:
            new, _ = await self.ledger.add_keys(keys, lease=sweep, reason="found")
            await self.ledger.finish_sweep(sweep, new)

    def lose(self, work: Work) -> None:
        """It hears that its range is another's: what it knows is to be told, and nothing of it is sent any more."""
        self.works.remove(work)
        self.lost.append((work.lease, self.journal.known(work.lease.range_no, work.lease.fence)))

    async def tell_late(self) -> None:
        lease, settlements = self.lost.pop()
        await self.ledger.settle_late(lease, settlements, marked)
        self.journal.forget(lease.range_no, lease.fence, [settlement.key for settlement in settlements])

    def die(self) -> None:
        """Its memory is gone; its journal is as it was, and nobody holds it."""
        left = {path: path.read_bytes() for path in self._folder.glob("*.journal")}
        self.journal.close()
        for path, content in left.items():
            path.write_bytes(content)

    async def _begin(self, lease: Lease) -> None:
        self.works.append(Work(lease, await self._unsettled(lease), lease.batch))

    async def _unsettled(self, lease: Lease) -> list[str]:
        """As the engine reads a range: what is final, or another range's, is left out."""
        if lease.kind == "keys":
            return [row.key for row in await self.ledger.waiting(lease.range_no, None, 100)]
        keys = [str(number) for number in range(int(lease.after or 0), int(lease.upto or 0))]
        known = await self.ledger.look_up(keys)
        return [
            key
            for key in keys
            if key not in known or (not known[key].state.is_final and known[key].range_no == lease.range_no)
        ]

    async def _settle(self, work: Work, portion: Portion) -> bool:
        try:
            await self.ledger.settle([portion], marked)
        except LeaseLost:
            self.lose(work)
            return False
        work.batch += 1
        self.journal.forget(
            work.lease.range_no, work.lease.fence, [settlement.key for settlement in portion.settlements]
        )
        return True

    def _hear(self, work: Work, settlement: Settlement) -> None:
        self.journal.append(work.lease.range_no, work.lease.fence, [settlement])
        work.heard.append(settlement)
