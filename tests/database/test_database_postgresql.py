"""PostgreSQL alone: what its sessions are like, and what its errors mean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import event, make_url

from penstock.database.connect import Database, open_database
from penstock.database.faults import DATABASE_ERRORS, Fault, explain, fault_of
from penstock.database.fetch import fetch


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = open_database(SecretStr(url))
    try:
        yield database
    finally:
        await database.aclose()


@pytest.fixture
async def database(postgresql_url: str) -> AsyncIterator[Database]:
    async with opened(postgresql_url) as database:
        yield database


async def ask(database: Database, statement: str) -> list[tuple[object, ...]]:
    async with database.reading() as connection:
        return list((await fetch(connection, statement)).rows)


async def change(database: Database, *statements: str) -> None:
    async with database.writing() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


SETTINGS = """
SELECT current_setting('TimeZone'), current_setting('lock_timeout'), current_setting('statement_timeout'),
  current_setting('plan_cache_mode'), current_setting('jit'), current_setting('synchronous_commit'),
  current_setting('application_name'), current_setting('transaction_isolation')
"""


async def test_sessions_are_in_utc_read_committed_durable_and_wait_briefly(
    database: Database, postgresql_url: str
) -> None:
    name = make_url(postgresql_url).database
    await change(
        database,
        f"ALTER DATABASE {name} SET timezone TO 'Asia/Shanghai'",
        f"ALTER DATABASE {name} SET synchronous_commit TO off",
        f"ALTER DATABASE {name} SET default_transaction_isolation TO 'repeatable read'",
    )
    usual = ("UTC", "5s", "5min", "force_custom_plan", "off", "on", "penstock")
    async with opened(postgresql_url) as fresh:
        [(*settings, _)] = await ask(fresh, SETTINGS)
        assert tuple(settings) == usual
        async with fresh.writing() as connection:
            assert tuple((await connection.exec_driver_sql(SETTINGS)).one()) == (*usual, "read committed")


async def test_commits_that_wait_for_a_standby_go_on_waiting(database: Database, postgresql_url: str) -> None:
    name = make_url(postgresql_url).database
    await change(database, f"ALTER DATABASE {name} SET synchronous_commit TO remote_apply")
    async with opened(postgresql_url) as fresh:
        assert await ask(fresh, "SELECT current_setting('synchronous_commit')") == [("remote_apply",)]


async def test_a_read_leaves_no_transaction_and_no_lock(database: Database) -> None:
    await change(database, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
    for most_bytes in (None, 1000):
        async with database.reading() as reader:
            await fetch(reader, "SELECT * FROM t", most_bytes=most_bytes)
            await change(database, "SET LOCAL lock_timeout = '0.2s'", f"ALTER TABLE t ADD v{most_bytes or 0} INTEGER")


async def test_a_table_altered_between_two_reads_is_read_in_its_new_form(database: Database) -> None:
    await change(database, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    async with database.reading() as reader:
        await fetch(reader, "SELECT * FROM t")
        await change(database, "ALTER TABLE t ADD v INTEGER DEFAULT 2")
        with pytest.raises(DATABASE_ERRORS) as caught:
            await fetch(reader, "SELECT * FROM t")
    assert fault_of(caught.value) is Fault.LOCKED
    assert await ask(database, "SELECT * FROM t") == [(1, 2)]


@pytest.mark.parametrize(
    ("statements", "fault", "words"),
    [
        (("SET LOCAL transaction_read_only = on", "CREATE TABLE t (id INTEGER)"), Fault.READ_ONLY, "read-only"),
        (("CREATE ROLE penstock_superuser SUPERUSER",), Fault.DENIED, "superuser"),
        (("SELECT * FROM nowhere.t",), Fault.MISSING, "nowhere.t"),
        (("SELECT 1 / 0",), Fault.OTHER, "division by zero"),
        (("SELECT 1 / 0", "SELECT 1"), Fault.OTHER, "division by zero"),
    ],
)
async def test_faults_are_told_by_the_servers_code(
    database: Database, statements: tuple[str, ...], fault: Fault, words: str
) -> None:
    with pytest.raises(DATABASE_ERRORS) as caught:
        await change(database, *statements)
    assert fault_of(caught.value) is fault
    assert words in explain(caught.value)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("40001", Fault.DEADLOCK),
        ("40P01", Fault.DEADLOCK),
        ("53100", Fault.FULL),
        ("53300", Fault.LOST),
        ("57P01", Fault.LOST),
        ("57014", Fault.LOST),
        ("08006", Fault.LOST),
        ("25P03", Fault.LOST),
        ("28P01", Fault.DENIED),
        ("22003", Fault.OTHER),
    ],
)
async def test_s34_faults_that_are_hard_to_have_are_told_by_their_code(
    database: Database, code: str, fault: Fault
) -> None:
    with pytest.raises(DATABASE_ERRORS) as caught:
        await change(database, f"DO $$ BEGIN RAISE EXCEPTION 'as it may come' USING ERRCODE = '{code}'; END $$")
    assert (fault_of(caught.value), explain(caught.value)) == (fault, "as it may come")


async def test_the_details_of_an_error_which_quote_rows_are_not_told(database: Database) -> None:
    await change(database, "CREATE TABLE t (mail TEXT PRIMARY KEY)", "INSERT INTO t VALUES ('somebody@example.com')")
    with pytest.raises(DATABASE_ERRORS) as caught:
        await change(database, "INSERT INTO t VALUES ('somebody@example.com')")
    assert "somebody" not in explain(caught.value)


async def test_a_database_that_is_not_there_is_missing(postgresql_url: str) -> None:
    url = make_url(postgresql_url).set(database="penstock_nowhere").render_as_string(hide_password=False)
    async with opened(url) as nowhere:
        with pytest.raises(DATABASE_ERRORS) as caught:
            await ask(nowhere, "SELECT 1")
    assert fault_of(caught.value) is Fault.MISSING


async def test_a_postgres_url_serves_as_well(postgresql_url: str) -> None:
    async with opened(postgresql_url.replace("postgresql://", "postgres://")) as database:
        assert database.kind == "postgresql"
        assert database.address == make_url(postgresql_url).render_as_string().rpartition("@")[2]
        assert await ask(database, "SELECT 1") == [(1,)]


async def test_what_the_driver_raises_while_a_session_is_made_ready_is_an_error_of_the_database(
    database: Database,
) -> None:
    @event.listens_for(database.engine.sync_engine, "connect")
    @event.listens_for(database.reading_engine.sync_engine, "connect")
    def lose(*_: object) -> None:
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    for act in (change(database), ask(database, "SELECT 1")):
        with pytest.raises(DATABASE_ERRORS) as caught:
            await act
        assert fault_of(caught.value) is Fault.LOST
        assert explain(caught.value) == "connection was closed in the middle of operation"
