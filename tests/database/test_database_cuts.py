"""Lines that break: a read is never shorter than it should be, and nobody takes a lost COMMIT for a known one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr
from tests.database.servers import Words, words_of
from tests.database.wires import Wire, wire_to

from penstock.database.connect import Database, open_database
from penstock.database.faults import DATABASE_ERRORS, Fault, fault_of
from penstock.database.fetch import fetch


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = open_database(SecretStr(url), connect_seconds=3)
    try:
        yield database
    finally:
        await database.aclose()


@pytest.fixture
def words(server_url: str) -> Words:
    return words_of(server_url)


@pytest.fixture
async def cuttable(server_url: str) -> AsyncIterator[tuple[Wire, Database]]:
    async with wire_to(server_url) as (wire, url), opened(url) as database:
        yield wire, database


@pytest.mark.parametrize("most_bytes", [None, 1 << 20])
async def test_a_read_cut_anywhere_raises(
    cuttable: tuple[Wire, Database], words: Words, most_bytes: int | None
) -> None:
    wire, database = cuttable
    rows = words.many(200, 50)
    async with database.reading() as connection:
        await fetch(connection, "SELECT 1")
        before = wire.bytes_down
        whole = await fetch(connection, rows, most_bytes=most_bytes)
        size = wire.bytes_down - before
    assert len(whole.rows) == 200
    # The beginning, the middle, the ends of packets, and all but the very last byte.
    for at in [*range(120), *range(120, size - 200, 997), *range(size - 200, size)]:
        wire.mend()
        async with database.reading() as connection:
            await fetch(connection, "SELECT 1")
            wire.cut_down_after(at)
            with pytest.raises(DATABASE_ERRORS) as caught:
                await fetch(connection, rows, most_bytes=most_bytes)
        assert fault_of(caught.value) is Fault.LOST


async def test_the_next_read_finds_a_new_connection(cuttable: tuple[Wire, Database], words: Words) -> None:
    wire, database = cuttable
    async with database.reading() as connection:
        await fetch(connection, "SELECT 1")
        wire.cut_down_after(0)
        with pytest.raises(DATABASE_ERRORS):
            await fetch(connection, words.many(200, 50))
    wire.mend()
    async with database.reading() as connection:
        assert list((await fetch(connection, "SELECT 1")).rows) == [(1,)]


async def test_s4_a_commit_without_an_answer_is_lost_though_it_was_applied(
    cuttable: tuple[Wire, Database], server_url: str
) -> None:
    wire, database = cuttable
    async with database.writing() as connection:
        await connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")

    async def insert() -> None:
        async with database.writing() as connection:
            await connection.exec_driver_sql("INSERT INTO t VALUES (1)")
            wire.drop_answer_to(b"COMMIT")

    with pytest.raises(DATABASE_ERRORS) as caught:
        await insert()
    assert fault_of(caught.value) is Fault.LOST
    async with opened(server_url) as direct, direct.reading() as connection:
        assert list((await fetch(connection, "SELECT id FROM t")).rows) == [(1,)]


async def test_a_killed_connection_is_lost(server_url: str, words: Words) -> None:
    async with opened(server_url) as database:

        async def be_killed() -> None:
            async with database.writing() as victim:
                number = (await victim.exec_driver_sql(words.own_session)).scalar_one()
                async with database.reading() as killer:
                    await fetch(killer, words.kill.format(number))
                await victim.exec_driver_sql("SELECT 1")

        with pytest.raises(DATABASE_ERRORS) as caught:
            await be_killed()
        assert fault_of(caught.value) is Fault.LOST
        async with database.writing() as connection:
            assert (await connection.exec_driver_sql("SELECT 2")).scalar() == 2


async def test_a_row_that_is_held_is_a_lock(server_url: str, words: Words) -> None:
    async with opened(server_url) as database:
        async with database.writing() as connection:
            await connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)")
            await connection.exec_driver_sql("INSERT INTO t VALUES (1, 0), (2, 0)")
        async with database.writing() as holder, database.writing() as waiter:
            await holder.exec_driver_sql("UPDATE t SET v = 1 WHERE id = 1")
            await waiter.exec_driver_sql(words.short_lock)
            with pytest.raises(DATABASE_ERRORS) as caught:
                await waiter.exec_driver_sql("UPDATE t SET v = 2 WHERE id = 1")
        assert fault_of(caught.value) is Fault.LOCKED


async def test_a_statement_stopped_by_the_server_is_no_short_answer(server_url: str, words: Words) -> None:
    async with opened(server_url) as database, database.reading() as connection:
        await fetch(connection, words.short_statement)
        with pytest.raises(DATABASE_ERRORS) as caught:
            await fetch(connection, words.endless)
        assert fault_of(caught.value) is Fault.LOST


async def test_a_large_answer_is_read_up_to_the_limit_and_no_further(server_url: str, words: Words) -> None:
    async with opened(server_url) as database:
        async with database.reading() as connection:
            fetched = await fetch(connection, words.many(100, 1_000_000), most_bytes=5_000_000)
            assert not fetched.is_whole
            assert 5 <= len(fetched.rows) <= 10
        async with database.reading() as connection:
            fetched = await fetch(connection, words.many(1000, 1000), most_bytes=5_000_000)
            assert fetched.is_whole
            assert len(fetched.rows) == 1000
