"""Keys of every type: only the database compares them, so pages of any size show each row once, and in one order."""

from __future__ import annotations

import pytest
from tests.data.key_cases import KeyCase, RefusedKey, each
from tests.data.mariadb_keys import MARIADB_KEYS, MARIADB_REFUSED
from tests.data.postgresql_keys import POSTGRESQL_KEYS, POSTGRESQL_REFUSED
from tests.data.postgresql_keys import TYPES as POSTGRESQL_TYPES
from tests.data.sqlite_keys import SQLITE_KEYS, SQLITE_REFUSED
from tests.source.worlds import World, read_all, sweep_all, world_at

from penstock.errors import JobError
from penstock.rows import decode_key, encode_key

PAGES = range(1, 8)


async def write(world: World, case: KeyCase) -> None:
    """By a session of its own, as the old application would."""
    async with world_at(world.url) as old, old.database.writing() as connection:
        if case.careless:
            await connection.exec_driver_sql("SET SESSION sql_mode = ''")
        for statement in case.statements():
            await connection.exec_driver_sql(world.verbatim(statement))


async def check_key(world: World, case: KeyCase) -> None:
    key = ", ".join(case.names)
    for query in (
        f"SELECT n AS id, {key} FROM t",
        f"SELECT DISTINCT n AS id, {key} FROM t",
        f"SELECT MAX(n) AS id, {key} FROM t GROUP BY {key}",
    ):
        source = await world.open(query, *case.names, timezone="Asia/Shanghai")
        whole = await read_all(source, 1000, 1000)
        assert tuple(row.key for row in whole) == case.keys
        assert {row.values[0] for row in whole} == set(range(1, len(case.rows) + 1))
        for size in PAGES:
            assert await read_all(source, size, size) == whole
            assert tuple(await sweep_all(source, size)) == case.keys
        assert await read_all(source, 1000, 1) == whole
        assert await source.read_keys(case.keys) == {row.key: row for row in whole}
        for row in whole:
            assert await source.read_keys([row.key]) == {row.key: row}
    assert [encode_key(decode_key(text)) for text in case.keys] == list(case.keys)


@each(MARIADB_KEYS)
async def test_pages_of_any_size_show_every_row_of_mariadb_once(mariadb: World, case: KeyCase) -> None:
    await write(mariadb, case)
    await check_key(mariadb, case)
    # A set operation may make another type of the key, in another order.
    key = ", ".join(case.names)
    union = f"SELECT n AS id, {key} FROM t UNION SELECT n, {key} FROM t"
    rows = await read_all(await mariadb.open(union, *case.names, timezone="UTC"), 2, 3)
    assert len({row.key for row in rows}) == len(rows) == len(case.rows)


@each(POSTGRESQL_KEYS)
async def test_pages_of_any_size_show_every_row_of_postgresql_once(postgresql: World, case: KeyCase) -> None:
    await postgresql.run(*[made for made in POSTGRESQL_TYPES if made.split()[2] in case.columns])
    await write(postgresql, case)
    await check_key(postgresql, case)


@each(SQLITE_KEYS)
async def test_pages_of_any_size_show_every_row_of_sqlite_once(sqlite: World, case: KeyCase) -> None:
    await write(sqlite, case)
    await check_key(sqlite, case)


async def check_refusal(world: World, refused: RefusedKey) -> None:
    await world.run(f"CREATE TABLE t (k {refused.declared} NOT NULL)", f"INSERT INTO t VALUES ({refused.row})")
    with pytest.raises(JobError) as error:
        await world.open("SELECT k FROM t", "k")
    assert refused.says in str(error.value)
    assert "choose another key" in str(error.value)
    if refused.instead is not None:
        assert str(error.value).endswith(refused.instead.removeprefix("SELECT ").removesuffix(" FROM t"))
        assert len(await world.rows(refused.instead, "k")) == 1


@pytest.mark.parametrize("refused", MARIADB_REFUSED, ids=lambda refused: refused.declared)
async def test_a_type_that_names_no_row_is_refused_with_a_way_out_that_works(
    mariadb: World, refused: RefusedKey
) -> None:
    await check_refusal(mariadb, refused)


@pytest.mark.parametrize("refused", POSTGRESQL_REFUSED, ids=lambda refused: refused.declared)
async def test_a_type_that_names_no_row_is_refused_with_a_way_out_that_works_on_postgresql(
    postgresql: World, refused: RefusedKey
) -> None:
    await check_refusal(postgresql, refused)


@pytest.mark.parametrize("refused", SQLITE_REFUSED, ids=lambda refused: refused.declared)
async def test_a_type_that_names_no_row_is_refused_with_a_way_out_that_works_on_sqlite(
    sqlite: World, refused: RefusedKey
) -> None:
    await check_refusal(sqlite, refused)


@pytest.mark.parametrize("query", ["SELECT k FROM t", "SELECT DISTINCT k FROM t"])
async def test_a_key_that_is_no_text_is_refused_with_a_way_out_that_works(either: World, query: str) -> None:
    if either.is_sqlite:
        await either.run(
            "CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY)", "INSERT INTO t VALUES ('a'), (CAST(x'41FF' AS TEXT))"
        )
    else:
        await either.run(
            "CREATE TABLE t (k VARCHAR(9) CHARACTER SET utf8mb3 NOT NULL PRIMARY KEY)",
            "INSERT INTO t VALUES ('a'), (CONVERT(x'41EDA080' USING utf8mb3))",
        )
    source = await either.open(query, "k")
    for reading in (source.next_keys(None, 10), source.keys_in_query(None, 10), source.read_span(None, '"zz"', 10)):
        with pytest.raises(JobError, match=r"source.key k names no row .* no UTF-8 text; CAST the column to binary"):
            await reading
    in_binary = f"SELECT CAST(k AS {'BLOB' if either.is_sqlite else 'BINARY'}) AS k FROM t"
    source = await either.open(in_binary, "k")
    for size in PAGES:
        assert [row.key for row in await read_all(source, size, size)] == await sweep_all(source, size)
    assert len(await sweep_all(source, 1)) == 2
