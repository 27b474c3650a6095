"""What the contract suite has at hand: a ledger as two workers see it, each by its own connections, and bare SQL beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.connect import Database, open_database
from penstock.ledger.desk import people_desk
from penstock.ledger.opening import open_ledger, read_model
from penstock.ledger.people import SqlPeopleDesk
from penstock.ledger.ranges import Lease, Portion
from penstock.ledger.reading import SqlReadModel
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState
from penstock.ledger.store import SqlLedger
from penstock.ledger.workers import Identity, Pulse

ALICE, BOB = "alice", "bob"
JOB = "orders"
SECONDS = 60.0
PULSE = Pulse(in_flight=3, rows_per_second=12.5, concurrency=8, limited_by="rate", hold="")


def identity(
    *,
    idempotent: bool = False,
    for_a_while: bool = False,
    file_hash: str = "hash-1",
    source: str = "shop",
    key: str = "id",
) -> Identity:
    return Identity(JOB, source, (key,), file_hash, idempotent, writes_windows=for_a_while or not idempotent)


def nobody(_owner: str) -> bool:
    return False


def everybody(_owner: str) -> bool:
    return True


def nothing(_owner: str, _range_no: int, _fence: int) -> Sequence[Settlement]:
    return ()


def knows(*settlements: Settlement) -> Callable[[str, int, int], Sequence[Settlement]]:
    """A journal with these answers of whatever worker."""

    def recall(_owner: str, _range_no: int, _fence: int) -> Sequence[Settlement]:
        return settlements

    return recall


async def marked(connection: AsyncConnection, accepted: Sequence[Settlement]) -> bool:
    return True


async def locked(connection: AsyncConnection, accepted: Sequence[Settlement]) -> bool:
    return False


def imported(*keys: str, receipt: str | None = "r", attempts: int = 1) -> list[Settlement]:
    return [Settlement(key, RowState.IMPORTED, attempts, 201, None, receipt) for key in keys]


def failed(*keys: str, reason: str = "refused", status: int = 422) -> list[Settlement]:
    return [Settlement(key, RowState.FAILED, 1, status, reason, None, "no such thing") for key in keys]


def in_doubt(*keys: str, reason: str = "timed out") -> list[Settlement]:
    return [Settlement(key, RowState.IN_DOUBT, 1, None, reason) for key in keys]


def pending(*keys: str, reason: str = "refused for now", attempts: int = 1) -> list[Settlement]:
    return [Settlement(key, RowState.PENDING, attempts, 503, reason) for key in keys]


def portion(lease: Lease, batch: int, settlements: Sequence[Settlement], *, remaining: int | None = None) -> Portion:
    return Portion(lease, batch, settlements, remaining=remaining)


def last_portion(lease: Lease, batch: int, settlements: Sequence[Settlement]) -> Portion:
    return Portion(lease, batch, settlements, remaining=0, finished=True)


def released(lease: Lease, batch: int, settlements: Sequence[Settlement] = ()) -> Portion:
    return Portion(lease, batch, settlements, release=True)


@dataclass(frozen=True)
class Bench:
    """alice and bob: two workers' ledgers. desk, model: a person's. database: for SQL that only tests run."""

    url: str
    database: Database
    alice: SqlLedger
    bob: SqlLedger
    desk: SqlPeopleDesk
    model: SqlReadModel

    async def sql(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        async with self.database.writing() as connection:
            result = await connection.execute(text(statement), parameters)
            return [tuple(row) for row in result] if result.returns_rows else []

    async def run_out(self, lease: Lease) -> None:
        """Its lease ran out an hour ago."""
        # Written into the statement: as a value it would be a text here and a moment there.
        long_ago = "UPDATE penstock_ranges SET lease_until = '2001-01-01 00:00:00.000' WHERE range_no = :no"
        await self.sql(long_ago, no=lease.range_no)

    async def states(self) -> dict[str, str]:
        """key → state, of all rows that are stored."""
        return {str(key): str(state) for key, state in await self.sql("SELECT row_key, state FROM penstock_rows")}

    async def kinds(self) -> list[str]:
        """Of the events, the oldest first."""
        return [str(kind) for (kind,) in await self.sql("SELECT kind FROM penstock_events ORDER BY event_no")]

    async def windows(self) -> int:
        [(count,)] = await self.sql("SELECT COUNT(*) FROM penstock_windows")
        assert isinstance(count, int)
        return count

    async def assert_it_adds_up(self) -> None:
        """A range's counters are its rows' states, a counted range's rows are its finals and the rest, the totals are sums."""
        rows = Counter(
            (range_no, state) for range_no, state in await self.sql("SELECT range_no, state FROM penstock_rows")
        )
        ranges = await self.sql(
            "SELECT range_no, state, row_count, imported, failed, in_doubt, skipped FROM penstock_ranges"
        )
        totals: Counter[str] = Counter()
        for range_no, state, row_count, *finals in ranges:
            counted = dict(zip(("imported", "failed", "in_doubt", "skipped"), finals, strict=True))
            stored = {name: rows[range_no, name] for name in counted}
            assert counted == stored, f"range {range_no}"
            assert not isinstance(row_count, int) or row_count >= sum(stored.values()) + rows[range_no, "pending"]
            assert state != "done" or row_count == sum(stored.values()), f"range {range_no}"
            totals.update(stored)
        counts = await self.model.counts()
        assert {
            "imported": counts.imported,
            "failed": counts.failed,
            "in_doubt": counts.in_doubt,
            "skipped": counts.skipped,
        } == {name: totals[name] for name in ("imported", "failed", "in_doubt", "skipped")}


async def bench_at(url: str, *, idempotent: bool = False) -> Bench:
    """Tables made, both workers joined."""
    databases = [open_database(SecretStr(url), create=True) for _ in range(4)]
    desk = people_desk(databases[2], JOB)
    await desk.prepare()
    alice = await open_ledger(databases[0], JOB)
    bob = await open_ledger(databases[1], JOB)
    await alice.join(identity(idempotent=idempotent, for_a_while=idempotent), ALICE, "here", 1)
    await bob.join(identity(idempotent=idempotent, for_a_while=idempotent), BOB, "here", 2)
    return Bench(url, databases[3], alice, bob, desk, await read_model(databases[2], JOB))


async def close(bench: Bench) -> None:
    await bench.alice.aclose()
    await bench.bob.aclose()
    await bench.model.aclose()
    await bench.database.aclose()


async def span(ledger: SqlLedger, after: str | None, upto: str, owner: str = ALICE, keys: int = 3) -> Lease:
    """Plan and lease a span that nobody else is planning."""
    lease = await ledger.plan(after, upto, keys, owner, SECONDS)
    assert lease is not None
    return lease


async def take(ledger: SqlLedger, owner: str = BOB) -> Lease:
    """Lease what there is to lease."""
    lease = await ledger.lease(owner, SECONDS, nothing, nobody)
    assert lease is not None
    return lease
