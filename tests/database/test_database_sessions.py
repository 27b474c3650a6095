from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url
from tests.database.servers import words_of

from penstock.database.connect import Database, open_database
from penstock.database.faults import DATABASE_ERRORS, Fault, explain, fault_of
from penstock.database.fetch import fetch


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = open_database(SecretStr(database_url))
    yield database
    await database.aclose()


@pytest.fixture
async def mariadb(mariadb_url: str) -> AsyncIterator[Database]:
    database = open_database(SecretStr(mariadb_url))
    yield database
    await database.aclose()


@pytest.fixture
async def server(server_url: str) -> AsyncIterator[Database]:
    database = open_database(SecretStr(server_url))
    yield database
    await database.aclose()


async def ask(database: Database, statement: str) -> list[tuple[object, ...]]:
    async with database.reading() as connection:
        return list((await fetch(connection, statement)).rows)


@pytest.mark.parametrize("password", ["naïve", "пароль 密码 😀"])
async def test_a_password_may_have_any_letters(server_url: str, server: Database, password: str) -> None:
    name, words = f"guest_{uuid4().hex[:12]}", "LOGIN PASSWORD" if server.kind == "postgresql" else "IDENTIFIED BY"
    async with server.writing() as connection:
        await connection.exec_driver_sql(f"CREATE USER {name} {words} '{password}'")
    guest = make_url(server_url).set(username=name, password=password)
    if server.kind != "postgresql":
        guest = guest.set(database="information_schema")
    database = open_database(SecretStr(guest.render_as_string(hide_password=False)))
    try:
        assert await ask(database, "SELECT 1") == [(1,)]
    finally:
        await database.aclose()
        async with server.writing() as connection:
            await connection.exec_driver_sql(f"DROP USER {name}")


async def test_a_transaction_is_committed_on_leaving_and_rolled_back_on_an_error(database: Database) -> None:
    async with database.writing() as connection:
        await connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        await connection.exec_driver_sql("INSERT INTO t VALUES (1)")

    async def fail() -> None:
        async with database.writing() as connection:
            await connection.exec_driver_sql("INSERT INTO t VALUES (2)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await ask(database, "SELECT id FROM t") == [(1,)]


async def test_reads_see_what_others_have_committed_since(database: Database) -> None:
    async with database.writing() as connection:
        await connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    async with database.reading() as reader:
        assert (await fetch(reader, "SELECT COUNT(*) FROM t")).rows == [(0,)]
        async with database.writing() as connection:
            await connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        assert list((await fetch(reader, "SELECT COUNT(*) FROM t")).rows) == [(1,)]


async def test_sessions_are_in_utc_read_committed_strict_and_wait_briefly(mariadb: Database) -> None:
    variables = "@@time_zone, @@autocommit, @@innodb_lock_wait_timeout, @@lock_wait_timeout, @@max_statement_time"
    assert await ask(mariadb, f"SELECT {variables}") == [("+00:00", 1, 5, 5, 300.0)]
    async with mariadb.writing() as connection:
        result = await connection.exec_driver_sql("SELECT @@tx_isolation, @@sql_mode, @@time_zone, @@autocommit")
        isolation, mode, zone, autocommit = tuple(result.one())
        assert (isolation, zone, autocommit) == ("READ-COMMITTED", "+00:00", 0)
        assert "STRICT_ALL_TABLES" in mode


async def test_a_process_that_is_frozen_within_a_transaction_keeps_its_locks_for_five_minutes(
    mariadb: Database,
) -> None:
    async with mariadb.writing() as connection:
        result = await connection.exec_driver_sql("SELECT @@idle_write_transaction_timeout, @@idle_transaction_timeout")
        assert tuple(result.one()) == (300, 0), "one that only reads keeps none"


async def test_reads_leave_no_transaction_and_no_lock(mariadb: Database) -> None:
    async with mariadb.writing() as connection:
        await connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    async with mariadb.reading() as reader:
        await fetch(reader, "SELECT * FROM t")
        async with mariadb.writing() as connection:
            await connection.exec_driver_sql("SET SESSION lock_wait_timeout = 1")
            await connection.exec_driver_sql("ALTER TABLE t ADD COLUMN v INTEGER")


async def test_a_read_costs_one_round_trip(mariadb: Database) -> None:
    async def questions() -> int:
        [(_, count)] = await ask(mariadb, "SHOW SESSION STATUS LIKE 'Questions'")
        return int(str(count))

    first = await questions()
    for _ in range(5):
        await ask(mariadb, "SELECT 1")
    assert await questions() == first + 6


async def test_writers_on_sqlite_queue_at_the_beginning(sqlite_url: str) -> None:
    database = open_database(SecretStr(sqlite_url))
    async with database.writing() as connection:
        await connection.exec_driver_sql("CREATE TABLE t (n INTEGER)")
        await connection.exec_driver_sql("INSERT INTO t VALUES (0)")

    async def add_one() -> None:
        # Reads and then writes: a deferred transaction would fail when another one has written in between.
        async with database.writing() as connection:
            number = (await connection.exec_driver_sql("SELECT n FROM t")).scalar_one()
            await connection.exec_driver_sql("UPDATE t SET n = ?", (number + 1,))

    async with asyncio.TaskGroup() as group:
        for _ in range(40):  # of a few, none may happen to come between another's reading and writing
            group.create_task(add_one())
    assert await ask(database, "SELECT n FROM t") == [(40,)]
    await database.aclose()


async def test_s35_a_mistyped_sqlite_path_makes_no_file(tmp_path: Path) -> None:
    database = open_database(SecretStr("sqlite:///nowhere.db"), folder=str(tmp_path))
    with pytest.raises(DATABASE_ERRORS) as caught:
        await ask(database, "SELECT 1")
    assert fault_of(caught.value) is Fault.MISSING
    assert os.listdir(tmp_path) == []
    await database.aclose()


async def test_sqlite_files_with_signs_in_their_names_are_made_and_found(tmp_path: Path) -> None:
    url = SecretStr("sqlite:///sub/a%23b%3f%25 c.db")
    (tmp_path / "sub").mkdir()
    made = open_database(url, folder=str(tmp_path), create=True)
    async with made.writing() as connection:
        await connection.exec_driver_sql("CREATE TABLE t (id INTEGER)")
    await made.aclose()
    [file] = (tmp_path / "sub").glob("*.db")
    found = open_database(url, folder=str(tmp_path))
    assert await ask(found, "SELECT COUNT(*) FROM t") == [(0,)]
    assert found.address == str(file)
    await found.aclose()


async def test_s33_a_statement_that_takes_too_long_is_cut_and_its_connection_thrown_away(
    server: Database, server_url: str
) -> None:
    await ask(server, "SELECT 'ready'")
    with pytest.raises(TimeoutError) as caught:
        async with server.reading(seconds=0.05) as connection:
            await fetch(connection, words_of(server_url).sleep)
    assert fault_of(caught.value) is Fault.LOST
    # A connection that still had an answer to come would give it to the next question.
    assert await ask(server, "SELECT 'mine'") == [("mine",)]


async def test_s33_a_cancelled_statement_leaves_no_answer_behind(server: Database, server_url: str) -> None:
    started = asyncio.Event()

    async def slow() -> None:
        async with server.writing() as connection:
            await connection.exec_driver_sql("SELECT 1")
            started.set()
            await connection.exec_driver_sql(words_of(server_url).sleep)

    for _ in range(3):
        started.clear()
        task = asyncio.create_task(slow())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with server.writing() as connection:
            assert (await connection.exec_driver_sql("SELECT 'mine'")).scalar() == "mine"


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("SELECT * FROM nowhere", Fault.MISSING),
        ("SELECT colour FROM (SELECT 1 AS id) AS t", Fault.MISSING),
        ("SELEKT 1", Fault.OTHER),
    ],
)
async def test_faults_are_told_by_the_drivers_code(database: Database, statement: str, fault: Fault) -> None:
    with pytest.raises(DATABASE_ERRORS) as plain:
        await ask(database, statement)
    with pytest.raises(DATABASE_ERRORS) as through_sqlalchemy:
        async with database.writing() as connection:
            await connection.exec_driver_sql(statement)
    assert fault_of(plain.value) is fault
    assert fault_of(through_sqlalchemy.value) is fault
    assert explain(plain.value) == explain(through_sqlalchemy.value)
    assert "SQL:" not in explain(plain.value)


async def test_s35_a_locked_sqlite_file_is_a_lock(sqlite_url: str) -> None:
    database = open_database(SecretStr(sqlite_url))
    async with database.writing(), database.reading() as other:
        await fetch(other, "PRAGMA busy_timeout = 1")
        with pytest.raises(DATABASE_ERRORS) as caught:
            await fetch(other, "BEGIN IMMEDIATE")
    assert fault_of(caught.value) is Fault.LOCKED
    await database.aclose()


@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
async def test_an_unreachable_server_is_lost_and_no_password_is_told(kind: str) -> None:
    database = open_database(SecretStr(f"{kind}://u:s3cret@127.0.0.1:9/db"), connect_seconds=2)
    with pytest.raises(DATABASE_ERRORS) as caught:
        await ask(database, "SELECT 1")
    assert fault_of(caught.value) is Fault.LOST
    assert "s3cret" not in explain(caught.value) + database.address
    await database.aclose()


async def test_a_wrong_password_is_denied(server_url: str) -> None:
    url = make_url(server_url).set(password="wrong").render_as_string(hide_password=False)
    database = open_database(SecretStr(url))
    with pytest.raises(DATABASE_ERRORS) as caught:
        await ask(database, "SELECT 1")
    assert fault_of(caught.value) is Fault.DENIED
    await database.aclose()


async def test_a_mariadb_url_serves_as_well(mariadb_url: str) -> None:
    url = make_url(mariadb_url).set(drivername="mariadb").render_as_string(hide_password=False)
    database = open_database(SecretStr(url))
    assert database.kind == "mariadb"
    assert await ask(database, "SELECT 1") == [(1,)]
    await database.aclose()


def test_warnings_of_the_server_quote_rows_and_are_not_shown(mariadb_url: str) -> None:
    program = f"""
import asyncio
from pydantic import SecretStr
from penstock.database.connect import open_database
from penstock.database.fetch import fetch

async def main() -> None:
    database = open_database(SecretStr({mariadb_url!r}))
    async with database.reading() as connection:
        await fetch(connection, "SELECT CAST('a secret' AS SIGNED)")
    await database.aclose()

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
