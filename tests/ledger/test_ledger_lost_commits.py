"""What is written is written once, though the connection dies around a COMMIT, the server picks a deadlock's victim, or another
writes at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    JOB,
    SECONDS,
    Bench,
    bench_at,
    close,
    everybody,
    failed,
    identity,
    imported,
    last_portion,
    marked,
    nobody,
    nothing,
    portion,
    released,
    span,
)
from tests.links.process import LinkProcess
from tests.links.traps import At, Does, Trap

from penstock.database.connect import open_database
from penstock.events import EventKind
from penstock.ledger.desk import people_desk
from penstock.ledger.events import Event
from penstock.ledger.moving import AT_ONCE
from penstock.ledger.opening import open_ledger
from penstock.ledger.people import SqlPeopleDesk
from penstock.ledger.ranges import Free, Span, WindowKey
from penstock.ledger.rows import Selection, Settlement
from penstock.ledger.states import RowState
from penstock.ledger.store import SqlLedger


class Server(NamedTuple):
    """What a test says to it in its own words. waiting: how many transactions of this database wait for a lock. ballast: makes a
    transaction so heavy that another one is a deadlock's victim; PostgreSQL takes the one that has waited longer."""

    session: str
    kill: str
    waiting: str
    ballast: tuple[str, ...]


SERVERS = {
    "mysql": Server(
        session="SELECT CONNECTION_ID()",
        kill="KILL CONNECTION {}",
        waiting=(
            # It looks again only for one who has not asked for a tenth of a second.
            "SELECT COUNT(*) + SLEEP(0.11) FROM information_schema.innodb_trx JOIN information_schema.processlist AS p "
            "ON p.id = trx_mysql_thread_id WHERE trx_state = 'LOCK WAIT' AND p.db = DATABASE()"
        ),
        ballast=("CREATE TABLE ballast (id INTEGER PRIMARY KEY)", "INSERT INTO ballast SELECT seq FROM seq_1_to_500"),
    ),
    "postgresql": Server(
        session="SELECT pg_backend_pid()",
        kill="SELECT pg_terminate_backend({})",
        waiting=(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ),
        ballast=(),
    ),
}

_HOLD_KEY = """
INSERT INTO penstock_rows (job_id, row_key, range_no, fence, state, attempts, updated_at)
VALUES (1, '7', 99, 0, 'pending', 0, :at)
"""
_HOLD_WINDOW = """
INSERT INTO penstock_windows (job_id, range_no, fence, window_no, row_keys, opened_at) VALUES (1, 1, 1, 1, '[]', :at)
"""
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

CUTS = pytest.mark.parametrize("cut", [Does.CUT, Does.SWALLOW])


@dataclass(frozen=True)
class Wire:
    """bench: connected straight. ledger, desk: over the link. before: how many traps there had been on that."""

    bench: Bench
    ledger: SqlLedger
    desk: SqlPeopleDesk
    link: LinkProcess
    before: int
    server: Server

    def cut(self, does: Does, commit: int = 1) -> None:
        """What becomes of the COMMIT with this number, from now on."""
        self.link.set_trap(Trap(At.COMMIT, does, commit))

    @property
    def cuts(self) -> int:
        return self.link.sprung - self.before


@pytest.fixture(scope="module")
def links() -> Iterator[dict[str, LinkProcess]]:
    """By the kind of the server that they lead to; each made when it is needed first."""
    links: dict[str, LinkProcess] = {}
    yield links
    for link in links.values():
        link.close()


@pytest.fixture
async def wire(server_url: str, links: dict[str, LinkProcess]) -> AsyncIterator[Wire]:
    url = make_url(server_url)
    assert url.port is not None
    kind = url.drivername
    link = links.get(kind) or links.setdefault(kind, LinkProcess(url.port, speaks=kind))
    bench = await bench_at(server_url)
    over_it = url.set(host="127.0.0.1", port=link.port).render_as_string(hide_password=False)
    database = open_database(SecretStr(over_it))
    ledger = await open_ledger(database, JOB)
    yield Wire(bench, ledger, people_desk(database, JOB), link, link.sprung, SERVERS[kind])
    await ledger.aclose()
    link.heal()
    await close(bench)


@CUTS
async def test_s4_a_batch_whose_commit_was_cut_is_settled_once(wire: Wire, cut: Does) -> None:
    lease = await span(wire.ledger, None, "9")
    wire.cut(cut)

    await wire.ledger.settle([portion(lease, 1, [*imported("1"), *failed("2")])], marked)
    wire.cut(cut)
    await wire.ledger.settle([last_portion(lease, 2, imported("3"))], marked)

    assert wire.cuts == 2
    counts = await wire.ledger.counts()
    assert (counts.imported, counts.failed) == (2, 1)
    await wire.bench.assert_it_adds_up()


@CUTS
async def test_s4_a_span_whose_commit_was_cut_is_planned_once(wire: Wire, cut: Does) -> None:
    wire.cut(cut)

    lease = await wire.ledger.plan(None, "9", 9, ALICE, SECONDS)

    assert lease is not None
    assert wire.cuts == 1
    assert await wire.bench.sql("SELECT range_no FROM penstock_ranges") == [(lease.range_no,)]


@CUTS
async def test_s4_spans_whose_commit_was_cut_are_planned_once(wire: Wire, cut: Does) -> None:
    spans = [Span(None, "9", 9), Span("9", "19", 10)]
    wire.cut(cut)

    planned = await wire.ledger.plan_ahead(spans)

    assert wire.cuts == 1
    free = await wire.bench.alice.free(10, ALICE, nobody)
    assert len(free) == 2
    assert planned in (free, ()), "what it does not know that it has planned is found open"
    assert await wire.bench.sql("SELECT after_key, upto_key FROM penstock_ranges ORDER BY range_no") == [
        (None, "9"),
        ("9", "19"),
    ]


@CUTS
async def test_s4_a_range_whose_commit_was_cut_is_left_open_once(wire: Wire, cut: Does) -> None:
    lease = await span(wire.bench.bob, None, "9", BOB)
    await wire.bench.run_out(lease)
    [left] = await wire.ledger.left(ALICE, nobody)
    wire.cut(cut)

    await wire.ledger.leave_open(left, ALICE, nothing)

    assert wire.cuts == 1
    assert await wire.bench.alice.free(10, ALICE, nobody) == [Free(lease.range_no, 2)]
    assert (await wire.bench.kinds()).count("take_over") == 1


@CUTS
async def test_s4_a_lease_whose_commit_was_cut_is_had_in_the_end(wire: Wire, cut: Does) -> None:
    lease = await span(wire.ledger, None, "9")
    await wire.ledger.settle([released(lease, 1)], marked)
    wire.cut(cut)

    taken = await wire.ledger.lease(ALICE, SECONDS, nothing, nobody)
    if taken is None:  # it was leased, and nobody was told: found by the next look
        taken = await wire.ledger.lease(ALICE, SECONDS, nothing, nobody)

    assert taken is not None
    await wire.ledger.settle([last_portion(taken, taken.batch + 1, imported("1"))], marked)


@CUTS
async def test_s4_a_window_whose_commit_was_cut_is_opened_once(wire: Wire, cut: Does) -> None:
    lease = await span(wire.ledger, None, "9")
    wire.cut(cut)

    await wire.ledger.open_window(lease, 1, [WindowKey("1")], 30.0, [Event(EventKind.FURTHER_ATTEMPT, "again", "1")])

    assert wire.cuts == 1
    assert await wire.bench.windows() == 1
    assert (await wire.bench.kinds()).count("further_attempt") == 1


@CUTS
async def test_s4_late_answers_whose_commit_was_cut_are_written_once(wire: Wire, cut: Does) -> None:
    lease = await span(wire.ledger, None, "9")
    await wire.ledger.open_window(lease, 1, [WindowKey("1")], 30.0)
    await wire.bench.run_out(lease)
    await wire.bench.bob.lease("bob", SECONDS, nothing, nobody)
    wire.cut(cut)

    await wire.ledger.settle_late(lease, imported("1"), marked)

    assert wire.cuts == 1
    assert (await wire.bench.kinds()).count("late_answer") == 1
    await wire.bench.assert_it_adds_up()


@CUTS
async def test_a_sweep_whose_commits_were_cut_is_one_sweep(wire: Wire, cut: Does) -> None:
    wire.cut(cut)
    sweep = await wire.ledger.start_sweep(ALICE, SECONDS)
    assert sweep is not None
    wire.cut(cut)

    await wire.ledger.finish_sweep(sweep, 0)

    assert wire.cuts == 2
    assert await wire.bench.sql("SELECT range_no, state FROM penstock_ranges") == [(sweep.range_no, "done")]


@pytest.mark.parametrize("by_sweep", [True, False])
@pytest.mark.parametrize("commit", [1, 2])
@CUTS
async def test_s4_keys_whose_commit_was_cut_are_added_once(
    wire: Wire, cut: Does, commit: int, *, by_sweep: bool
) -> None:
    lease = await wire.ledger.start_sweep(ALICE, SECONDS) if by_sweep else None
    wire.cut(cut, commit)

    new, range_no = await wire.ledger.add_keys(["1", "2"], lease=lease, reason="found")

    assert wire.cuts == 1
    assert new == 2
    assert await wire.bench.states() == {"1": "pending", "2": "pending"}
    assert await wire.bench.sql("SELECT range_no, row_count FROM penstock_ranges WHERE kind = 'keys'") == [
        (range_no, 2)
    ]
    await wire.bench.assert_it_adds_up()


@pytest.mark.parametrize("commit", [1, 2, 3, 4])
@CUTS
async def test_rows_whose_commit_was_cut_are_retried_once(wire: Wire, cut: Does, commit: int) -> None:
    lease = await span(wire.bench.alice, None, "9")
    keys = [str(number) for number in range(1, AT_ONCE + 11)]
    await wire.bench.alice.settle([last_portion(lease, 1, failed(*keys))], marked)
    wire.cut(cut, commit)

    assert await wire.desk.retry(Selection(frozenset({RowState.FAILED})), renew_keys=False) == len(keys)

    assert wire.cuts == 1
    assert set((await wire.bench.states()).values()) == {"pending"}
    assert (await wire.bench.kinds()).count("retried") == 2
    await wire.bench.assert_it_adds_up()


@CUTS
async def test_a_worker_whose_commit_was_cut_has_joined_once(wire: Wire, cut: Does) -> None:
    wire.cut(cut)

    await wire.ledger.join(identity(), "carol", "there", 3)

    assert wire.cuts == 1
    assert (await wire.bench.kinds()).count("run_started") == 3


async def test_s3_a_connection_killed_in_the_middle_of_a_batch_costs_nothing(wire: Wire) -> None:
    lease = await span(wire.ledger, None, "9")
    kills = 0

    async def kill_once(connection: AsyncConnection, accepted: Sequence[Settlement]) -> bool:
        nonlocal kills
        if not kills:
            kills += 1
            session = (await connection.execute(text(wire.server.session))).scalar_one()
            await wire.bench.sql(wire.server.kill.format(session))
        return True

    await wire.ledger.settle([portion(lease, 1, imported("1", "2"))], kill_once)

    assert kills == 1
    assert (await wire.ledger.counts()).imported == 2
    await wire.bench.assert_it_adds_up()


async def test_s7_a_batch_that_a_deadlock_rolled_back_is_written_again_as_a_whole(wire: Wire) -> None:
    bench = wire.bench
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, [Settlement("1", failed("1")[0].state)])], marked)
    marks = 0

    async def count(connection: AsyncConnection, accepted: Sequence[Settlement]) -> bool:
        nonlocal marks
        marks += 1
        return True

    async with bench.database.writing() as other:
        # It holds the range's row, and the settle holds row 2: the settle is the victim.
        for statement in wire.server.ballast:
            await other.execute(text(statement))
        await other.execute(text("UPDATE penstock_ranges SET flags_no = flags_no + 1"))
        settling = asyncio.create_task(bench.alice.settle([portion(lease, 2, imported("2"))], count))
        await until_it_waits(wire)
        await other.execute(text("UPDATE penstock_rows SET row_key = '2' WHERE row_key = '1'"))
        await other.rollback()
    await settling

    assert marks == 2
    assert await bench.states() == {"1": "failed", "2": "imported"}
    await bench.assert_it_adds_up()


@asynccontextmanager
async def asking_for_key_7(bench: Bench) -> AsyncIterator[asyncio.Task[tuple[int, int | None]]]:
    """Somebody asks for a key, and waits for another who holds it when all the rest has been looked at. Within the block."""
    async with bench.database.writing() as other:
        await other.execute(text(_HOLD_KEY), {"at": NOON})
        asking = asyncio.create_task(bench.alice.add_keys(["7"], lease=None, reason="asked for by key"))
        yield asking
        await other.rollback()
    assert (await asking)[0] == 1


async def test_a_span_is_not_planned_while_one_of_its_keys_is_asked_for(wire: Wire) -> None:
    """Else both would send it: who has read a page asks the ledger no more."""
    bench = wire.bench
    async with asking_for_key_7(bench):
        await until_it_waits(wire)
        planning = asyncio.create_task(bench.bob.plan(None, "9", 9, BOB, SECONDS))
        await until_it_waits(wire, transactions=2)

    assert await planning is not None
    assert "7" in await bench.bob.look_up(["7"])


async def test_an_open_span_is_not_leased_while_one_of_its_keys_is_asked_for(wire: Wire) -> None:
    bench = wire.bench
    await bench.bob.settle([released(await span(bench.bob, None, "9", BOB), 1)], marked)
    async with asking_for_key_7(bench):
        await until_it_waits(wire)
        assert await bench.bob.lease(BOB, SECONDS, nothing, nobody) is None

    assert await bench.bob.lease(BOB, SECONDS, nothing, nobody) is not None
    await bench.assert_it_adds_up()


async def test_p6_a_range_is_not_taken_over_while_a_window_of_it_is_being_written(wire: Wire) -> None:
    """Else the take-over would not see the window, and the window's rows would be sent by two."""
    bench = wire.bench
    lease = await span(bench.alice, None, "9")
    async with bench.database.writing() as other:
        await other.execute(text(_HOLD_WINDOW), {"at": NOON})
        opening = asyncio.create_task(bench.alice.open_window(lease, 1, [WindowKey("1")], 30.0))
        await until_it_waits(wire)
        assert await bench.bob.lease(BOB, SECONDS, nothing, everybody) is None
        await other.rollback()
    await opening

    assert await bench.bob.lease(BOB, SECONDS, nothing, everybody) is not None
    assert await bench.states() == {"1": "in_doubt"}


async def until_it_waits(wire: Wire, transactions: int = 1) -> None:
    """Until so many transactions of this database wait for a lock."""
    async with asyncio.timeout(4), wire.bench.database.reading() as connection:
        while (await connection.execute(text(wire.server.waiting))).scalar() != transactions:
            pass  # the server is asked again
