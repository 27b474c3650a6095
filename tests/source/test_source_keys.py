"""Keys that are many, made of several columns, alike to the database, or too long. Keys of every type: tests/data."""

from __future__ import annotations

import pytest
from tests.source.worlds import World, read_all, sweep_all

from penstock.database.fetch import fetch
from penstock.errors import JobError
from penstock.rows import decode_key, encode_key


async def check_key(world: World, query: str, *key: str) -> list[str]:
    """Reads by every page size and returns the keys in the database's order."""
    source = await world.open(query, *key, timezone="Asia/Shanghai")
    whole = await read_all(source, 1000, 1000)
    keys = [row.key for row in whole]
    assert len(set(keys)) == len(keys)
    for span, page in ((1, 1), (2, 1), (3, 2), (1000, 1)):
        assert await read_all(source, span, page) == whole
    assert await sweep_all(source, 1) == keys
    assert await source.read_keys(keys) == {row.key: row for row in whole}
    assert [encode_key(decode_key(text)) for text in keys] == keys
    return keys


async def test_binary_keys_are_safe_where_the_server_takes_no_backslashes(mariadb: World) -> None:
    await mariadb.run(
        "CREATE TABLE t (k VARBINARY(40) PRIMARY KEY)",
        """INSERT INTO t VALUES ("'"), ("' OR 1 = 1 -- "), (x'5C27FF'), ('z')""",
    )
    async with mariadb.database.reading() as connection:
        await fetch(connection, "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'")
    # The pool gives the same connection again.
    assert len(await check_key(mariadb, "SELECT k FROM t", "k")) == 4
    source = await mariadb.open("SELECT k FROM t", "k")
    assert list(await source.read_keys([encode_key((b"' OR 1 = 1 -- ",))])) == [encode_key((b"' OR 1 = 1 -- ",))]


async def test_composite_keys_show_every_row_once(world: World) -> None:
    await world.run(
        "CREATE TABLE stock (house VARCHAR(10) NOT NULL, sku INTEGER NOT NULL, bin VARCHAR(5) NOT NULL, n INTEGER,"
        " PRIMARY KEY (house, sku, bin))",
        "INSERT INTO stock VALUES ('a', 1, 'x', 1), ('a', 1, 'y', 2), ('a', 2, 'x', 3), ('a|b', 1, 'x', 4), ('b', 1, 'x', 5),"
        " ('b', 1, 'z', 6), ('b', 3, 'a', 7), ('c', 0, 'x', 8)",
    )
    for query in ("SELECT * FROM stock", "SELECT house, sku, bin, COUNT(*) AS n FROM stock GROUP BY house, sku, bin"):
        assert await check_key(world, query, "house", "sku", "bin") == [
            '["a",1,"x"]',
            '["a",1,"y"]',
            '["a",2,"x"]',
            '["a|b",1,"x"]',
            '["b",1,"x"]',
            '["b",1,"z"]',
            '["b",3,"a"]',
            '["c",0,"x"]',
        ]


async def test_a_part_of_a_primary_key_may_be_null_on_sqlite_where_the_query_does_not_show_it(sqlite: World) -> None:
    await sqlite.run(
        "CREATE TABLE t (house TEXT, n INTEGER, PRIMARY KEY (house, n))",
        "INSERT INTO t VALUES ('a', 1), ('a', 2), ('b', NULL), ('b', 3)",
    )
    assert await check_key(sqlite, "SELECT n FROM t WHERE house = 'a'", "n") == ["1", "2"]
    with pytest.raises(JobError, match="n is NULL in a row"):
        await sqlite.open("SELECT n FROM t", "n")


async def test_composite_keys_of_two_tables_show_every_row_once(world: World) -> None:
    await world.run(
        "CREATE TABLE a (id INTEGER PRIMARY KEY)",
        "CREATE TABLE b (id INTEGER PRIMARY KEY)",
        "INSERT INTO a VALUES (1), (2), (3)",
        "INSERT INTO b VALUES (1), (20)",
    )
    assert len(await check_key(world, "SELECT a.id AS a, b.id AS b FROM a CROSS JOIN b", "a", "b")) == 6


async def test_many_keys_are_read_at_once(world: World) -> None:
    await world.run(
        "CREATE TABLE t (a INTEGER NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (a, b))",
        "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, -i FROM n",
    )
    source = await world.open("SELECT a, b FROM t", "a", "b")
    asked = [f"[{n},{-n}]" for n in range(1, 1001)] + ["[5,5]"]
    assert list(await source.read_keys(asked)) == asked[:-1]
    assert await source.read_keys([]) == {}


async def test_a_key_that_the_collation_takes_for_another_is_not_given_for_it(mariadb: World) -> None:
    await mariadb.run(
        "CREATE TABLE t (k VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY)", "INSERT INTO t VALUES ('Ab')"
    )
    source = await mariadb.open("SELECT k FROM t", "k")
    assert await source.read_keys(['"ab"', '"AB "']) == {}
    assert list(await source.read_keys(['"ab"', '"Ab"'])) == ['"Ab"']


async def test_a_page_by_a_composite_key_uses_the_index(mariadb: World) -> None:
    await mariadb.run(
        "CREATE TABLE t (a INTEGER NOT NULL, b INTEGER NOT NULL, v INTEGER, PRIMARY KEY (a, b))",
        "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
        " SELECT n.i, m.seq, 0 FROM n JOIN seq_1_to_20 m",
        "ANALYZE TABLE t",
    )
    source = await mariadb.open("SELECT * FROM t", "a", "b")
    statement = source.plan.rows.page((500, 3), (520, 7), 1000)
    [step] = await mariadb.fetch("EXPLAIN " + statement.text % statement.values)
    assert (step[3], step[5]) == ("range", "PRIMARY")
    assert int(str(step[8])) < 1000


async def test_a_list_of_composite_keys_uses_the_index(mariadb: World) -> None:
    await mariadb.run(
        "CREATE TABLE t (a INTEGER NOT NULL, b INTEGER NOT NULL, v INTEGER, PRIMARY KEY (a, b))",
        "INSERT INTO t SELECT n.seq, m.seq, 0 FROM seq_1_to_900 n JOIN seq_1_to_20 m",
        "ANALYZE TABLE t",
    )
    source = await mariadb.open("SELECT * FROM t", "a", "b")
    statement = source.plan.rows.of([(n, 3) for n in range(1, 450)])
    [step] = await mariadb.fetch("EXPLAIN " + statement.text % statement.values)
    assert (step[3], step[5]) == ("range", "PRIMARY")
    assert int(str(step[8])) < 1000


@pytest.mark.parametrize("page", [1, 2, 3])
async def test_keys_that_the_collation_takes_for_the_same_are_refused_where_a_page_ends_between_them(
    mariadb: World, page: int
) -> None:
    await mariadb.run(
        "CREATE TABLE t (k VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL)",
        "INSERT INTO t VALUES ('ab'), ('Ab'), ('AB'), ('aB'), ('cd')",
    )
    source = await mariadb.open("SELECT k FROM t", "k")
    with pytest.raises(JobError, match="collation takes"):
        await source.keys_in_query(None, page)
    with pytest.raises(JobError, match="collation takes"):
        await source.read_span(None, '"zz"', page)


async def test_a_key_too_long_for_the_ledger_is_refused_before_anything_is_sent(world: World) -> None:
    await world.run("CREATE TABLE t (k VARCHAR(255) NOT NULL PRIMARY KEY)")
    async with world.database.writing() as connection:
        await connection.exec_driver_sql(f"INSERT INTO t VALUES ({world.hole})", ("\n" * 250,))
    source = await world.open("SELECT k FROM t", "k")
    with pytest.raises(JobError, match="502 characters"):
        await source.keys_in_query(None, 10)


async def test_a_page_by_a_key_that_begins_with_an_enum_uses_the_index(mariadb: World) -> None:
    await mariadb.run(
        "CREATE TABLE t (house ENUM('z','m','a','b') NOT NULL, n INTEGER NOT NULL, v INTEGER, PRIMARY KEY (house, n))",
        "INSERT INTO t SELECT 1 + seq % 4, seq, 0 FROM seq_1_to_20000",
        "ANALYZE TABLE t",
    )
    source = await mariadb.open("SELECT * FROM t", "house", "n")
    for reading in (source.plan.rows, source.plan.keys, source.plan.walk):
        statement = reading.page((2, 19_000), (3, 1000), 1000)
        [*_, step] = await mariadb.fetch("EXPLAIN " + statement.text % statement.values)
        assert (step[3], step[5], step[6]) == ("range", "PRIMARY", "5")
        assert int(str(step[8])) < 2000


async def test_an_enum_of_hundreds_is_compared_as_a_range(mariadb: World) -> None:
    members = ", ".join(f"'m{number}'" for number in range(300))
    await mariadb.run(f"CREATE TABLE t (k ENUM({members}) NOT NULL PRIMARY KEY)")
    await mariadb.run("INSERT INTO t SELECT seq FROM seq_1_to_300")
    assert await check_key(mariadb, "SELECT k FROM t", "k") == [str(number) for number in range(1, 301)]
