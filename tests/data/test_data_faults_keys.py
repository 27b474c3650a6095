"""Faults of keys, by their ids (docs/reference/data-faults.md): through the source by pages of one to seven rows, and through a
whole run, after which every row must have arrived once, be imported, and have its flag."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.data.key_cases import KeyCase, each
from tests.data.mariadb_keys import MARIADB_KEYS
from tests.data.moving import moving
from tests.data.sqlite_keys import SQLITE_KEYS
from tests.data.test_data_keys import PAGES, check_key, write
from tests.data.test_data_keys_moved import check_run
from tests.engine.api import Asked, Reply
from tests.source.worlds import World, read_all, sweep_all

from penstock.engine import planner, reader
from penstock.engine.report import RunOptions
from penstock.engine.stop import Ended
from penstock.errors import JobError
from penstock.ledger.states import RowState
from penstock.rows import Row
from penstock.source.fingerprint import fingerprint
from penstock.source.open import open_source
from penstock.spec.models import Flag


@pytest.fixture(autouse=True)
def short_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several spans for a few rows, each of more than one page."""
    monkeypatch.setattr(planner, "SPAN", 3)
    monkeypatch.setattr(reader, "PAGE", 2)


async def check_both_ways(folder: Path, world: World, case: KeyCase) -> None:
    await write(world, case)
    await check_key(world, case)
    await world.run("DROP TABLE t")
    await check_run(folder, world, case)


@each(MARIADB_KEYS, fault="D16")
async def test_d16_composite_keys_name_one_row_each(tmp_path: Path, mariadb: World, case: KeyCase) -> None:
    await check_both_ways(tmp_path, mariadb, case)


@each(SQLITE_KEYS, fault="D16")
async def test_d16_composite_keys_of_sqlite_name_one_row_each(tmp_path: Path, sqlite: World, case: KeyCase) -> None:
    await check_both_ways(tmp_path, sqlite, case)


@each(MARIADB_KEYS, fault="D17")
async def test_d17_a_collation_that_ignores_case_skips_no_row(tmp_path: Path, mariadb: World, case: KeyCase) -> None:
    await check_both_ways(tmp_path, mariadb, case)


@each(SQLITE_KEYS, fault="D17")
async def test_d17_a_collation_of_sqlite_that_ignores_case_skips_no_row(
    tmp_path: Path, sqlite: World, case: KeyCase
) -> None:
    await check_both_ways(tmp_path, sqlite, case)


@each(MARIADB_KEYS, fault="D18")
async def test_d18_blanks_and_invisible_letters_are_part_of_a_key_as_the_database_says(
    tmp_path: Path, mariadb: World, case: KeyCase
) -> None:
    await check_both_ways(tmp_path, mariadb, case)


@each(SQLITE_KEYS, fault="D18")
async def test_d18_blanks_at_the_end_of_a_key_of_sqlite_are_what_its_collation_says(
    tmp_path: Path, sqlite: World, case: KeyCase
) -> None:
    await check_both_ways(tmp_path, sqlite, case)


@each(MARIADB_KEYS, fault="D19")
async def test_d19_texts_that_look_like_numbers_are_texts(tmp_path: Path, mariadb: World, case: KeyCase) -> None:
    await check_both_ways(tmp_path, mariadb, case)


async def test_d19_only_the_row_that_was_sent_gets_its_flag(tmp_path: Path, either: World) -> None:
    await either.run(
        "CREATE TABLE t (n INTEGER NOT NULL UNIQUE, k VARCHAR(20) NOT NULL PRIMARY KEY)",
        "INSERT INTO t VALUES (1, '1'), (2, '01'), (3, '1abc'), (4, '1.0'), (5, '1e0')",
    )
    async with moving(tmp_path, either, "SELECT n AS id, k FROM t", "k") as move:
        summary = await move.run(RunOptions(keys=('"1"',)))
        assert (summary.ended, move.api.applied, await move.flagged()) == (Ended.LIMIT, {1: 1}, {1})
        await move.check_that_each_row_arrived_once()


async def sweep(world: World, query: str, key: tuple[str, ...], size: int) -> None:
    await sweep_all(await world.open(query, *key), size)


@pytest.mark.parametrize(
    ("columns", "rows", "key", "says"),
    [
        (
            "k INTEGER",
            "(1, 1), (2, 2), (3, 2), (4, 3)",
            ("k",),
            "source.key k is not unique: the query shows 2 more than once",
        ),
        ("k INTEGER", "(1, 1), (2, NULL), (3, 3)", ("k",), "source.key k is NULL in a row of the query"),
        (
            "a INTEGER, k INTEGER",
            "(1, 1, 1), (2, 1, NULL)",
            ("a", "k"),
            "source.key a, k is NULL in a row of the query",
        ),
    ],
    ids=["not unique", "NULL", "a part that is NULL"],
)
async def test_d20_a_key_that_names_no_row_or_two_is_refused_with_a_way_out(
    tmp_path: Path, either: World, columns: str, rows: str, key: tuple[str, ...], says: str
) -> None:
    await either.run(f"CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, {columns})", f"INSERT INTO t VALUES {rows}")
    query = f"SELECT n AS id, {', '.join(key)} FROM t"
    for size in PAGES:
        with pytest.raises(JobError) as error:
            await sweep(either, query, key, size)
        assert says in str(error.value)
        assert any(way_out in str(error.value) for way_out in ("add columns to the key", "WHERE ... IS NOT NULL"))
    async with moving(tmp_path, either, query, *key, flag=False) as move:
        with pytest.raises(JobError) as error:
            await move.run()
        assert says in str(error.value)
        # Of two rows with one key neither was sent.
        assert {2, 3}.isdisjoint(move.api.applied)


async def test_d20_a_flag_that_a_key_finds_in_two_rows_is_refused_before_anything_is_sent(
    tmp_path: Path, either: World
) -> None:
    await either.run(
        "CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, k INTEGER)", "INSERT INTO t VALUES (1, 1), (2, 1)"
    )
    query = "SELECT n AS id, k FROM t"
    with pytest.raises(JobError, match=r"no unique index of t finds a row by the key, .* name the unique columns"):
        async with moving(tmp_path, either, query, "k"):
            pass  # `prepare` refuses, and leaves the table as it was
    await either.run("ALTER TABLE t ADD COLUMN is_import INTEGER NOT NULL DEFAULT 0")
    with pytest.raises(JobError, match=r"no unique index of t finds a row by k, .* name the unique columns"):
        await open_source(either.job(query, "k", flag=Flag(table="t")), either.database)


UUIDS = [f"{digit * 8}-0000-4000-8000-{number:012d}" for number, digit in enumerate("5e1c93", 1)]


@pytest.mark.parametrize("size", PAGES)
async def test_d21_rows_inserted_below_the_cursor_are_seen_by_the_sweep(either: World, size: int) -> None:
    await either.run("CREATE TABLE t (n INTEGER NOT NULL UNIQUE, k VARCHAR(36) NOT NULL PRIMARY KEY)")
    for n, uuid in enumerate(UUIDS, 1):
        await either.run(f"INSERT INTO t VALUES ({n}, '{uuid}')")
    source = await either.open("SELECT k FROM t", "k")
    before = await read_all(source, size, size)
    await either.run("INSERT INTO t (n, k) VALUES (7, '00000000-0000-4000-8000-000000000007')")
    assert set(await sweep_all(source, size)) == {row.key for row in before} | {
        '"00000000-0000-4000-8000-000000000007"'
    }


async def test_d21_rows_inserted_below_the_cursor_arrive_once(tmp_path: Path, either: World) -> None:
    await either.run("CREATE TABLE t (n INTEGER NOT NULL UNIQUE, k VARCHAR(36) NOT NULL PRIMARY KEY)")
    for n, uuid in enumerate(UUIDS, 1):
        await either.run(f"INSERT INTO t VALUES ({n}, '{uuid}')")

    async def answer(asked: Asked) -> Reply:
        if asked.number <= 5:
            # Below everything, and somewhere between.
            low, middle = (
                f"00000000-0000-4000-8000-{asked.number:012d}",
                f"7{asked.number}000000-0000-4000-8000-000000000000",
            )
            await either.run(
                f"INSERT INTO t (n, k) VALUES ({100 + asked.number}, '{low}'), ({200 + asked.number}, '{middle}')"
            )
        return asked.accepted

    async with moving(tmp_path, either, "SELECT n AS id, k FROM t", "k", script=answer) as move:
        await move.check_that_each_row_arrived_once()
        assert len(move.api.applied) == 16


async def test_d22_a_row_of_a_long_transaction_arrives_once_it_is_there(tmp_path: Path, mariadb: World) -> None:
    await mariadb.run(
        "CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY)",
        f"INSERT INTO t VALUES {', '.join(f'({n})' for n in range(2, 12))}",
    )
    inserted, passed = asyncio.Event(), asyncio.Event()

    async def late() -> None:
        async with mariadb.database.writing() as connection:
            await connection.exec_driver_sql("INSERT INTO t (n) VALUES (1)")
            inserted.set()
            await passed.wait()

    async def answer(asked: Asked) -> Reply:
        if asked.order == 11:
            passed.set()
            await writing
        return asked.accepted

    async with moving(tmp_path, mariadb, "SELECT n AS id, n FROM t", "n", script=answer) as move:
        writing = asyncio.create_task(late())
        await inserted.wait()
        try:
            await move.check_that_each_row_arrived_once()
        finally:
            passed.set()
            await writing
        assert move.api.orders[-1] == 1


async def test_d23_a_row_updated_before_it_is_read_goes_out_in_its_newer_form(tmp_path: Path, either: World) -> None:
    rows = ", ".join(f"({n}, 'old')" for n in range(1, 31))
    await either.run("CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, v VARCHAR(9))", f"INSERT INTO t VALUES {rows}")

    async def answer(asked: Asked) -> Reply:
        if asked.number == 1:
            await either.run("UPDATE t SET v = 'new' WHERE n = 30")
        return asked.accepted

    async with moving(tmp_path, either, "SELECT n, n AS id, v FROM t", "n", script=answer, concurrency=1) as move:
        await move.check_that_each_row_arrived_once()
        [asked] = move.api.of(30)
        assert json.loads(asked.content.partition(b"\r\n\r\n")[2]) == {"n": 30, "id": 30, "v": "new"}
        found = await move.rows()
        # What was sent is what a later change is told by.
        assert found["30"].fingerprint == fingerprint(Row("30", (30, 30, "new")))
        assert found["1"].fingerprint == fingerprint(Row("1", (1, 1, "old")))
        assert {row.state for row in found.values()} == {RowState.IMPORTED}
