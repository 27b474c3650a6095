"""Making, opening and dropping a ledger: nothing is made by the way, and what does not fit is refused with the way out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    JOB,
    SECONDS,
    Bench,
    everybody,
    imported,
    last_portion,
    marked,
    span,
)

from penstock.database.connect import Database, open_database
from penstock.errors import LedgerMissing, LedgerRefused, LedgerUnreachable
from penstock.ledger.desk import people_desk
from penstock.ledger.opening import open_ledger, read_model
from penstock.ledger.ranges import WindowKey
from penstock.ledger.schema import METADATA
from penstock.ledger.version import VERSION


@asynccontextmanager
async def opened(url: str, *, create: bool = False) -> AsyncIterator[Database]:
    database = open_database(SecretStr(url), create=create)
    yield database
    await database.aclose()


async def run(database: Database, *statements: str) -> None:
    async with database.writing() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_preparing_makes_the_tables_once_and_tells_how(database_url: str) -> None:
    async with opened(database_url) as database:
        desk = people_desk(database, JOB)

        first = await desk.prepare()

        assert all(any(f"CREATE TABLE {name} " in statement for statement in first) for name in METADATA.tables)
        assert await desk.prepare() == []
        ledger = await open_ledger(database, JOB)
        assert (await ledger.counts()).imported == 0


async def test_the_statements_told_make_the_same_ledger_by_hand(database_url: str) -> None:
    async with opened(database_url) as database:
        desk = people_desk(database, JOB)

        await run(database, *await desk.prepare_sql())

        assert await desk.prepare() == []
        await open_ledger(database, JOB)


async def test_a_half_made_ledger_is_taken_for_none_and_completed(database_url: str) -> None:
    async with opened(database_url) as database:
        desk = people_desk(database, JOB)
        await run(database, (await desk.prepare_sql())[0])
        with pytest.raises(LedgerMissing):
            await open_ledger(database, JOB)

        await desk.prepare()
        await open_ledger(database, JOB)


async def everybody_leaves(bench: Bench) -> None:
    await bench.alice.leave(ALICE, "done")
    await bench.bob.leave(BOB, "done")


async def test_undoing_drops_the_tables(bench: Bench) -> None:
    await everybody_leaves(bench)

    assert len(await bench.desk.undo_prepare()) == len(METADATA.tables)

    with pytest.raises(LedgerMissing, match="penstock prepare FILE"):
        await open_ledger(bench.database, JOB)
    assert await bench.desk.undo_prepare() == []


async def test_undoing_is_refused_while_rows_are_remembered(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([last_portion(lease, 1, imported("1"))], marked)
    await everybody_leaves(bench)

    with pytest.raises(LedgerRefused, match="penstock reset"):
        await bench.desk.undo_prepare()

    assert await bench.states() == {"1": "imported"}


async def test_undoing_is_refused_while_rows_may_have_been_sent(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, [WindowKey("1", None, None)], 30.0)
    await everybody_leaves(bench)

    with pytest.raises(LedgerRefused, match="rows that may have been sent: `penstock reset"):
        await bench.desk.undo_prepare()

    assert await bench.windows() == 1


async def test_undoing_is_refused_while_a_worker_lives(bench: Bench) -> None:
    await bench.bob.leave(BOB, "done")

    with pytest.raises(LedgerRefused, match="stop that run first"):
        await bench.desk.undo_prepare()

    assert await bench.alice.plan(None, "9", 9, ALICE, SECONDS) is not None
    assert await people_desk(bench.database, "any other job", is_dead=everybody).undo_prepare(), "it has died since"


async def test_a_ledger_that_is_not_there_is_missing(database_url: str) -> None:
    async with opened(database_url) as database:
        for opening in (open_ledger(database, JOB), read_model(database, JOB), people_desk(database, JOB).pause()):
            with pytest.raises(LedgerMissing, match="penstock prepare FILE"):
                await opening
        async with database.reading() as connection:
            names = await connection.run_sync(lambda sync: sync.dialect.get_table_names(sync))
        assert names == []


async def test_s36_p20_a_ledger_of_a_newer_penstock_is_refused(bench: Bench) -> None:
    await bench.sql("UPDATE penstock_schema SET version = :newer", newer=VERSION + 1)

    for opening in (open_ledger(bench.database, JOB), read_model(bench.database, JOB), bench.desk.pause()):
        with pytest.raises(LedgerRefused, match="update penstock"):
            await opening


async def make_it_version_1(bench: Bench) -> None:
    """That had neither signing keys nor notices, and workers told less."""
    await bench.sql("UPDATE penstock_workers SET alive_until = '2001-01-01 00:00:00.000'")
    await bench.sql("DROP TABLE penstock_notices")
    for table, column in (
        ("penstock_jobs", "signing_key"),
        ("penstock_workers", "version"),
        ("penstock_workers", "by_broker"),
        ("penstock_workers", "stake_concurrency"),
        ("penstock_workers", "stake_rate"),
        ("penstock_workers", "quiet_until"),
    ):
        await bench.sql(f"ALTER TABLE {table} DROP COLUMN {column}")
    await bench.sql("UPDATE penstock_schema SET version = 1")


async def test_a_ledger_of_an_older_penstock_is_brought_up_to_date_by_prepare(bench: Bench) -> None:
    await span(bench.alice, None, "9")
    await make_it_version_1(bench)

    for opening in (open_ledger(bench.database, JOB), read_model(bench.database, JOB), bench.desk.pause()):
        with pytest.raises(LedgerRefused, match="`penstock prepare FILE` brings it up to date"):
            await opening
    done = await bench.desk.prepare()

    assert [statement.split(" (")[0] for statement in done if statement.startswith("CREATE")] == [
        "CREATE TABLE penstock_notices"
    ]
    added = [statement.split()[2:6] for statement in done if statement.startswith("ALTER")]
    assert sorted(added) == [
        ["penstock_jobs", "ADD", "COLUMN", "signing_key"],
        ["penstock_workers", "ADD", "COLUMN", "by_broker"],
        ["penstock_workers", "ADD", "COLUMN", "quiet_until"],
        ["penstock_workers", "ADD", "COLUMN", "stake_concurrency"],
        ["penstock_workers", "ADD", "COLUMN", "stake_rate"],
        ["penstock_workers", "ADD", "COLUMN", "version"],
    ]
    assert await bench.desk.prepare() == []
    ledger = await open_ledger(bench.database, JOB)
    assert await ledger.cursor() == "9", "what is in it stays"
    assert await ledger.signing_key() != b""


async def test_an_older_ledger_is_brought_up_to_date_by_hand_with_the_statements_told(bench: Bench) -> None:
    await span(bench.alice, None, "9")
    await make_it_version_1(bench)

    # Each with connections of its own: PostgreSQL's remember the tables as they were.
    async with opened(bench.url) as database:
        await run(database, *await people_desk(database, JOB).prepare_sql())
    async with opened(bench.url) as database:
        assert await people_desk(database, JOB).prepare_sql() == []
        assert await people_desk(database, JOB).prepare() == []
        assert await (await open_ledger(database, JOB)).cursor() == "9"


async def test_what_an_older_penstock_left_half_made_is_completed(bench: Bench) -> None:
    """The server commits each definition by itself; the version is written last."""
    await make_it_version_1(bench)
    await bench.sql("DELETE FROM penstock_schema")

    await bench.desk.prepare()

    assert await (await open_ledger(bench.database, JOB)).signing_key() != b""


async def test_an_older_ledger_is_left_alone_while_a_worker_lives(bench: Bench) -> None:
    await bench.sql("UPDATE penstock_schema SET version = 1")  # alice has joined

    with pytest.raises(LedgerRefused, match="stop that run first"):
        await bench.desk.prepare()

    [(version,)] = await bench.sql("SELECT version FROM penstock_schema")
    assert version == 1


async def test_losing_a_table_during_a_run_says_so(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.sql("DROP TABLE penstock_rows")

    with pytest.raises(LedgerMissing):
        await bench.alice.settle([last_portion(lease, 1, imported("1"))], marked)


async def test_a_key_too_long_for_the_ledger_is_refused_and_not_cut(mariadb_url: str) -> None:
    async with opened(mariadb_url) as database:
        await people_desk(database, JOB).prepare()
        ledger = await open_ledger(database, JOB)
        lease = await span(ledger, None, "9", ALICE)

        with pytest.raises(LedgerRefused, match="row_key"):
            await ledger.settle([last_portion(lease, 1, imported("k" * 501))], marked)


async def test_a_server_that_does_not_answer_is_unreachable(mariadb_url: str) -> None:
    url = make_url(mariadb_url).set(port=1)
    async with opened(url.render_as_string(hide_password=False)) as database:
        with pytest.raises(LedgerUnreachable, match=re.escape(database.address)):
            await open_ledger(database, JOB)


async def test_a_wrong_password_is_refused_without_being_repeated(mariadb_url: str) -> None:
    url = make_url(mariadb_url).set(password="sEcReT-canary")
    async with opened(url.render_as_string(hide_password=False)) as database:
        with pytest.raises(LedgerRefused) as refused:
            await open_ledger(database, JOB)
    assert "sEcReT-canary" not in str(refused.value)


async def test_s35_an_sqlite_file_that_is_not_there_is_a_missing_ledger(sqlite_url: str) -> None:
    async with opened(sqlite_url + "x") as database:
        with pytest.raises(LedgerMissing, match="penstock prepare FILE"):
            await open_ledger(database, JOB)


async def test_a_new_sqlite_file_lets_readers_and_the_writer_work_at_once(sqlite_url: str) -> None:
    async with opened(sqlite_url + "x", create=True) as database:
        await people_desk(database, JOB).prepare()
        async with database.reading() as connection:
            assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"


async def test_an_old_sqlite_database_keeps_its_journal_mode(sqlite_url: str) -> None:
    async with opened(sqlite_url) as database:
        await run(database, "CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        await people_desk(database, JOB).prepare()
        async with database.reading() as connection:
            assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "delete"


async def test_s35_an_sqlite_ledger_of_another_machine_is_refused_until_it_is_prepared_here(sqlite_url: str) -> None:
    async with opened(sqlite_url) as database:
        desk = people_desk(database, JOB)
        await desk.prepare()
        await run(database, "UPDATE penstock_schema SET host = 'elsewhere'")
        with pytest.raises(LedgerRefused, match="serves the machine elsewhere"):
            await open_ledger(database, JOB)

        await desk.prepare()
        await open_ledger(database, JOB)


async def test_an_sqlite_ledger_does_not_move_while_a_worker_elsewhere_has_a_lease(sqlite_url: str) -> None:
    async with opened(sqlite_url) as database:
        desk = people_desk(database, JOB)
        await desk.prepare()
        await span(await open_ledger(database, JOB), None, "9", ALICE)
        await run(database, "UPDATE penstock_schema SET host = 'elsewhere'")

        with pytest.raises(LedgerRefused, match="elsewhere"):
            await desk.prepare()
