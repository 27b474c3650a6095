from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.engine.own_mariadb import own_mariadb
from tests.source.worlds import World, sweep_all, world_at

from penstock.errors import JobError
from penstock.rows import encode_key
from penstock.source.base import FlagsLocked, Mark
from penstock.source.flag_table import FlagTable, Locking, has_set_statement, skips_locked
from penstock.source.flags import FlagWriter, MarkValues, SourceFlagDesk
from penstock.source.naming import Naming
from penstock.source.open import open_source
from penstock.source.origin import Table
from penstock.source.reader import MOST_FLAGGED
from penstock.spec.models import Flag

NOON = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
ORDERS = "SELECT id, code FROM orders"
FLAGGED = "SELECT id FROM orders WHERE is_import = 1 ORDER BY id"


class Noon:
    def boottime(self) -> float:
        return 0.0

    def now(self) -> datetime:
        return NOON


@pytest.fixture
async def orders(world: World) -> World:
    await world.run(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, code VARCHAR(20) NOT NULL UNIQUE, new_id VARCHAR(20), sent_at VARCHAR(40),"
        " is_import INTEGER NOT NULL DEFAULT 0)",
        "INSERT INTO orders (id, code) VALUES (1, 'a'), (2, 'b'), (3, 'it''s'), (4, '50%'), (5, 'e')",
    )
    return world


async def flag_of(world: World, query: str = ORDERS, *key: str, flag: Flag | None = None) -> FlagTable:
    source = await open_source(world.job(query, *key, flag=flag or Flag(table="orders")), world.database)
    assert source.plan.flag is not None
    return source.plan.flag


async def writer(world: World, query: str = ORDERS, *key: str, values: MarkValues | None = None) -> FlagWriter:
    return FlagWriter(await flag_of(world, query, *key), Noon(), values)


def marks(*keys: object) -> Sequence[Mark]:
    return [Mark(encode_key(key if isinstance(key, tuple) else (key,)), f"N-{key}") for key in keys]


@asynccontextmanager
async def holding(world: World, *ids: int) -> AsyncIterator[AsyncConnection]:
    """Another session that holds these rows."""
    async with world.database.writing() as other:
        await other.exec_driver_sql(f"SELECT id FROM orders WHERE id IN ({', '.join(map(str, ids))}) FOR UPDATE")
        yield other


async def test_flags_are_set_for_these_rows_and_no_other(orders: World) -> None:
    flags = await writer(orders)
    async with orders.database.writing() as connection:
        assert await flags.mark(connection, marks(1, 3)) == 2
    assert await orders.fetch(FLAGGED) == [(1,), (3,)]


async def test_flags_go_with_the_transaction(orders: World) -> None:
    flags = await writer(orders)
    async with orders.database.writing() as connection:
        await flags.mark(connection, marks(1))
        await connection.rollback()
    assert await orders.fetch(FLAGGED) == []


async def test_a_row_that_is_gone_is_not_counted(orders: World) -> None:
    flags = await writer(orders)
    async with orders.database.writing() as connection:
        assert await flags.mark(connection, marks(1, 99)) == 1
        assert await flags.mark(connection, marks(1)) == 1  # again: matched, though nothing changes


async def test_text_and_composite_keys_find_their_rows(orders: World) -> None:
    by_code = await writer(orders, ORDERS, "code")
    by_both = await writer(orders, ORDERS, "id", "code")
    async with orders.database.writing() as connection:
        assert await by_code.mark(connection, marks("it's", "50%")) == 2
        assert await by_both.mark(connection, marks((1, "a"), (2, "nothing"))) == 1
    assert await orders.fetch(FLAGGED) == [(1,), (3,), (4,)]


async def test_further_columns_get_their_own_values(orders: World) -> None:
    def values(receipt: str | None, now: datetime) -> Mapping[str, object]:
        return {"new_id": receipt, "sent_at": now.isoformat()}

    flags = await writer(orders, values=values)
    async with orders.database.writing() as connection:
        await flags.mark(connection, [Mark("1", "A%s"), Mark("2", None), Mark("4", "C?")])
    assert await orders.fetch("SELECT id, new_id, sent_at FROM orders WHERE is_import = 1 ORDER BY id") == [
        (1, "A%s", "2024-05-01T12:00:00+00:00"),
        (2, None, "2024-05-01T12:00:00+00:00"),
        (4, "C?", "2024-05-01T12:00:00+00:00"),
    ]


async def test_a_thousand_rows_with_values_are_marked_in_portions(orders: World) -> None:
    await orders.run(
        "INSERT INTO orders (id, code) WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 1099)"
        " SELECT i, i FROM n"
    )
    flags = await writer(orders, values=lambda receipt, now: {"new_id": receipt})
    async with orders.database.writing() as connection:
        assert await flags.mark(connection, marks(*range(100, 1100))) == 1000
    wrong = "SELECT COUNT(*) FROM orders WHERE id >= 100 AND (is_import <> 1 OR new_id IS NULL)"
    assert await orders.fetch(wrong) == [(0,)]
    assert await orders.fetch("SELECT new_id FROM orders WHERE id = 777") == [("N-777",)]


async def test_reset_clears_flags(orders: World) -> None:
    flags = await writer(orders)
    async with orders.database.writing() as connection:
        await flags.mark(connection, marks(1, 2, 3))
        assert await flags.clear(connection, ["1", "3"]) == 2
    assert await orders.fetch(FLAGGED) == [(2,)]


async def test_set_flags_are_seen_by_the_source(orders: World) -> None:
    await orders.run(
        "UPDATE orders SET is_import = 1 WHERE id IN (2, 5)", "UPDATE orders SET is_import = 7 WHERE id = 4"
    )
    source = await open_source(orders.job(ORDERS, flag=Flag(table="orders")), orders.database)
    assert await source.flagged(["1", "2", "4", "99"]) == {"2", "4"}
    without = await open_source(orders.job(ORDERS), orders.database)
    assert await without.flagged(["2"]) == frozenset()


async def many_orders(world: World, rows: int) -> None:
    """Half of them flagged: those with an even id."""
    await world.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, is_import INTEGER NOT NULL DEFAULT 0)",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, is_import INTEGER NOT NULL DEFAULT 0)",
        "INSERT INTO customers (id) VALUES (1)",
    )
    for start in range(1, rows + 1, 1000):
        some = ", ".join(f"({n}, 1, {(n + 1) % 2})" for n in range(start, min(start + 1000, rows + 1)))
        await world.run(f"INSERT INTO orders (id, customer_id, is_import) VALUES {some}")


async def test_flags_of_many_rows_are_found_between_two_keys_as_they_are_by_the_keys(world: World) -> None:
    await many_orders(world, 600)
    source = await open_source(world.job("SELECT id FROM orders", flag=Flag(table="orders")), world.database)
    assert source.plan.walks_flags is not world.is_sqlite  # whose columns hold what they like
    keys = [str(number) for number in range(101, 400)]
    even = {key for key in keys if int(key) % 2 == 0}
    assert await source.flagged(keys, ("100", "399")) == even
    assert await source.flagged(keys, (None, "399")) == even
    assert await source.flagged(keys) == even
    if source.plan.walks_flags:  # what lies between is all that is looked at
        assert await source.flagged(keys, ("300", "350")) == {key for key in even if 300 < int(key) <= 350}


async def test_few_rows_are_looked_for_by_their_keys_whatever_the_bounds(world: World) -> None:
    await many_orders(world, 600)
    source = await open_source(world.job("SELECT id FROM orders", flag=Flag(table="orders")), world.database)
    assert await source.flagged(["2", "3", "4"], ("300", "350")) == {"2", "4"}


async def test_where_too_many_flags_lie_between_two_keys_rows_are_looked_for_by_theirs(world: World) -> None:
    await many_orders(world, 2 * MOST_FLAGGED + 200)
    source = await open_source(world.job("SELECT id FROM orders", flag=Flag(table="orders")), world.database)
    keys = [str(number) for number in range(1, 2 * MOST_FLAGGED + 200, 40)]
    last = str(2 * MOST_FLAGGED + 200)
    assert await source.flagged([*keys, last], (None, last)) == {last}


async def walks_flags(world: World, query: str, *key: str, flag: Flag) -> bool:
    return (await open_source(world.job(query, *key, flag=flag), world.database)).plan.walks_flags


async def test_flags_elsewhere_are_looked_for_by_key(world: World) -> None:
    """Between two keys of one table may lie any number of another's."""
    await many_orders(world, 10)
    flag = Flag(table="customers", key=("id",))
    joined = "SELECT o.id, c.id AS customer FROM orders o JOIN customers c ON c.id = o.customer_id"
    assert not await walks_flags(world, joined, flag=flag)
    grouped = "SELECT o.customer_id AS id, MAX(o.id) AS last FROM orders o GROUP BY o.customer_id"
    assert not await walks_flags(world, grouped, flag=flag)


async def test_flags_of_rows_without_a_number_are_looked_for_by_key(world: World) -> None:
    """What the query leaves out may have a key that names no row; and two keys of one collation lie elsewhere in another."""
    await world.run(
        "CREATE TABLE orders (a INTEGER NOT NULL, b INTEGER, code VARCHAR(700) NOT NULL UNIQUE,"
        " is_import INTEGER NOT NULL DEFAULT 0, UNIQUE (a, b))"
    )
    for start in (0, 100, 200):
        some = ", ".join(f"({n}, {n}, 'k{n:04}', {n % 2})" for n in range(start, start + 100))
        await world.run(f"INSERT INTO orders VALUES {some}")
    await world.run(f"INSERT INTO orders VALUES (5, NULL, 'k0150{'x' * 600}', 1)")
    for query, key in (
        ("SELECT a, b FROM orders WHERE b IS NOT NULL", ("a", "b")),
        ("SELECT code FROM orders WHERE b IS NOT NULL", ("code",)),
    ):
        source = await open_source(world.job(query, *key, flag=Flag(table="orders")), world.database)
        assert not source.plan.walks_flags
        last = (await source.next_keys(None, 250)).last
        assert last is not None
        page = await source.read_span(None, last, 1000)
        keys = [row.key for row in page.rows]
        assert await source.flagged(keys, (None, keys[-1])) == set(keys[1::2])


async def test_flags_of_a_table_of_another_schema_are_looked_for_by_key(mariadb: World) -> None:
    [(here,)] = await mariadb.fetch("SELECT DATABASE()")
    await mariadb.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, is_import INTEGER NOT NULL DEFAULT 0)")
    assert await walks_flags(mariadb, "SELECT id FROM orders", flag=Flag(table="orders"))
    assert not await walks_flags(mariadb, f"SELECT id FROM {here}.orders", flag=Flag(table="orders"))


GUESSED = (
    r"source.flag: what the query shows as id is no column of t itself, .* found there: flag: {table: t, key: ...}"
)
TABLES = (
    "CREATE TABLE t (a INTEGER NOT NULL UNIQUE, id INTEGER NOT NULL UNIQUE, is_import INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE u (id INTEGER NOT NULL UNIQUE, of_t INTEGER NOT NULL)",
    "CREATE VIEW of_both AS SELECT t.id, t.a FROM t JOIN u ON u.of_t = t.id",
)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a + 0 AS id, id AS x FROM t",
        "SELECT id + 1 AS id FROM t",
        "SELECT a AS id FROM of_both",
        "SELECT id FROM of_both",
        "SELECT id FROM u",
        "SELECT CAST(a AS DECIMAL(20)) AS id FROM t",
        "SELECT CAST(id AS CHAR(1)) AS id FROM t",
        "SELECT * FROM (SELECT id, a FROM t) AS p UNION ALL SELECT * FROM (SELECT a, id FROM t) AS q",
        "SELECT id, a FROM t UNION ALL SELECT * FROM (SELECT a, id FROM t) AS q",
        "SELECT u.id FROM u JOIN t ON t.id = u.of_t",
        "SELECT id FROM (SELECT a + 0 AS id FROM t) AS q",
        "SELECT q.* FROM (SELECT r.id FROM (SELECT id + 1 AS id FROM t) AS r) AS q",
        "WITH c AS (SELECT a + 0 AS id FROM t) SELECT id FROM c",
        "SELECT id FROM t UNION ALL SELECT id FROM u",
        "SELECT id FROM t UNION ALL SELECT a FROM t",
        "SELECT id, 1 AS x FROM t UNION ALL SELECT a, id FROM t",
        "WITH RECURSIVE c AS (SELECT id FROM t UNION ALL SELECT c.id + 1 FROM c WHERE c.id < 3) SELECT id FROM c",
        "WITH T AS (SELECT id + 1 AS id FROM u) SELECT id FROM t",
        "WITH c AS (SELECT id FROM t), t AS (SELECT id + 1 AS id FROM u) SELECT id FROM c",
        "WITH RECURSIVE c AS (SELECT id FROM t), t AS (SELECT id + 1 AS id FROM u) SELECT id FROM c",
    ],
)
async def test_a_flag_is_not_set_by_a_column_that_is_only_called_like_the_key(world: World, query: str) -> None:
    await world.run(*TABLES)
    with pytest.raises(JobError, match=GUESSED):
        await open_source(world.job(query, flag=Flag(table="t")), world.database)
    named = await flag_of(world, query, flag=Flag(table="t", key=("a",)))
    assert [column.compared for column in named.key] == [world.quoted("`a`")]


async def test_sources_that_nobody_can_tell_apart_show_no_column_of_the_flags_table(
    mariadb: World, postgresql: World
) -> None:
    """What stands beside the table is of columns that are not known: a function, or a star over one."""
    numbers = """JSON_TABLE('[{"id": 3}]', '$[*]' COLUMNS (id INT PATH '$.id'))"""
    queries = [
        (mariadb, f"SELECT B.id, b.a FROM t AS b JOIN (SELECT * FROM {numbers} AS j) AS B"),
        (postgresql, 'SELECT b.id, "B".a FROM t AS "B" CROSS JOIN generate_series(3, 3) AS b (id)'),
        (mariadb, f"SELECT id FROM t RIGHT JOIN (SELECT * FROM {numbers} AS j) AS j USING (id)"),
        (postgresql, "SELECT id FROM t RIGHT JOIN (SELECT * FROM generate_series(7, 8) AS id) AS g USING (id)"),
        (postgresql, "SELECT id FROM t NATURAL RIGHT JOIN (SELECT * FROM generate_series(7, 8) AS id) AS g"),
    ]
    for world in (mariadb, postgresql):
        await world.run(*TABLES)
    for world, query in queries:
        with pytest.raises(JobError, match=GUESSED):
            await open_source(world.job(query, flag=Flag(table="t")), world.database)


@pytest.mark.parametrize(
    ("query", "column"),
    [
        ("SELECT a AS id FROM t", "a"),
        ("SELECT id FROM t JOIN (SELECT of_t FROM u) AS v ON of_t = id", "id"),
        ("SELECT q.x AS id FROM (SELECT r.a AS x FROM t AS r) AS q", "a"),
        ("SELECT (MAX(t.a)) AS id, u.of_t FROM t JOIN u ON u.of_t = t.id GROUP BY u.of_t", "a"),
        ("SELECT a AS id FROM t WHERE id < 5 UNION ALL SELECT a FROM t WHERE id >= 5", "a"),
        ("SELECT * FROM t WHERE id < 5 UNION ALL SELECT * FROM t WHERE id >= 5", "id"),
        ("SELECT * FROM t UNION SELECT * FROM t UNION SELECT * FROM t", "id"),
        ("SELECT id FROM t EXCEPT SELECT of_t FROM u", "id"),
    ],
)
async def test_a_flag_is_set_by_the_column_that_the_query_shows(world: World, query: str, column: str) -> None:
    await world.run(*TABLES)
    found = await flag_of(world, query, flag=Flag(table="t"))
    assert [column.compared for column in found.key] == [world.quoted(f"`{column}`")]


OF_TWO_ROWS = [
    "SELECT x.a, y.id FROM t AS x JOIN t AS y ON y.id = x.a",
    "SELECT MIN(a) AS a, MAX(id) AS id FROM t",
    "WITH c AS (SELECT * FROM t) SELECT x.a, y.id FROM c AS x JOIN c AS y ON y.id = x.a",
]
OF_ONE_ROW = [
    "SELECT x.a, x.id FROM t AS x JOIN t AS y ON y.id = x.a",
    "SELECT c.* FROM (SELECT a, id FROM t) AS c",
    "SELECT a, id FROM t WHERE a > 1 UNION SELECT a, id FROM t",
]


@pytest.mark.parametrize("query", OF_TWO_ROWS)
async def test_a_flag_is_not_set_by_the_columns_of_different_rows(world: World, query: str) -> None:
    await world.run(*TABLES)
    with pytest.raises(JobError, match="what the query shows as a, id is no column of t itself"):
        await open_source(world.job(query, "a", "id", flag=Flag(table="t")), world.database)


@pytest.mark.parametrize("query", OF_ONE_ROW)
async def test_a_flag_is_set_by_several_columns_of_one_row(world: World, query: str) -> None:
    await world.run(*TABLES)
    source = await open_source(world.job(query, "a", "id", flag=Flag(table="t")), world.database)
    assert source.plan.flag is not None
    assert [column.compared for column in source.plan.flag.key] == [world.quoted("`a`"), world.quoted("`id`")]


async def test_a_flag_is_not_set_in_a_table_of_the_same_name_elsewhere(mariadb: World) -> None:
    here = str((await mariadb.fetch("SELECT DATABASE()"))[0][0])
    await mariadb.run(*TABLES)
    for query, table in ((f"SELECT id FROM {here}.t", "t"), ("SELECT id FROM t", f"{here}.t")):
        found = await flag_of(mariadb, query, flag=Flag(table=table))
        assert [column.compared for column in found.key] == ["`id`"]
    assert Naming(here, ignores_case=False).is_same(Table("", "t"), Table(here, "t"))
    assert not Naming(here, ignores_case=False).is_same(Table("", "t"), Table("other", "t"))
    assert not Naming(here, ignores_case=False).is_same(Table("", "T"), Table("", "t"))
    assert Naming(here, ignores_case=True).is_same(Table("", "T"), Table(here.upper(), "t"))


COLUMN_LISTS = [
    "WITH c (id, x) AS (SELECT a, id FROM t) SELECT id, x FROM c",
    "WITH c AS (SELECT a AS x, id FROM t) SELECT d.id, d.x FROM c AS d (id, x)",
    "SELECT c.id, c.x FROM (SELECT a, id FROM t) AS c (id, x)",
    "SELECT c.id, c.x FROM t AS c (id, x)",
]


@pytest.mark.parametrize("query", COLUMN_LISTS)
async def test_a_key_that_a_list_renames_is_no_other_column_of_that_name(world: World, query: str) -> None:
    if query != COLUMN_LISTS[0] and not world.is_postgresql:  # the others know no such list
        query = COLUMN_LISTS[0]
    await world.run(
        "CREATE TABLE t (a INTEGER NOT NULL UNIQUE, id INTEGER NOT NULL UNIQUE, is_import INTEGER NOT NULL DEFAULT 0)",
        "INSERT INTO t (a, id) VALUES (1, 3), (2, 1), (3, 2), (4, 9)",
    )
    with pytest.raises(JobError, match=GUESSED):
        await open_source(world.job(query, flag=Flag(table="t")), world.database)
    source = await open_source(world.job(query, flag=Flag(table="t", key=("a",))), world.database)
    assert await sweep_all(source, 2) == ["1", "2", "3", "4"]
    assert source.plan.flag is not None
    async with world.database.writing() as connection:
        assert await FlagWriter(source.plan.flag, Noon()).mark(connection, marks(1)) == 1
    assert await world.fetch("SELECT a FROM t WHERE is_import = 1") == [(1,)]


async def test_the_flags_key_is_called_as_in_its_own_table(orders: World) -> None:
    renamed = "SELECT o.id AS order_no, o.code FROM orders AS o"
    assert [column.compared for column in (await flag_of(orders, renamed, "order_no")).key] == [orders.quoted("`id`")]
    given = Flag(table="orders", key=("code",))
    found = await flag_of(orders, renamed, "order_no", flag=given)
    assert [column.compared for column in found.key] == [orders.quoted("`code`")]


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        (Flag(table="nowhere"), "there is no table nowhere"),
        (Flag(table="orders", column="colour"), r"no column 'colour'; run .penstock prepare"),
        (Flag(table="orders", key=("number",)), "no column 'number' to find a row by"),
        (Flag(table="orders", set={"colour": "{{ receipt }}"}), "flag.set: the table orders has no column 'colour'"),
        (Flag(table="orders", set={"ID": "{{ receipt }}"}), "flag.set: orders.ID is the flag or names the row"),
        (
            Flag(table="orders", set={"is_import": "{{ receipt }}"}),
            "flag.set: orders.is_import is the flag or names the row",
        ),
    ],
)
async def test_s13_a_flag_that_cannot_be_written_is_refused(orders: World, flag: Flag, says: str) -> None:
    with pytest.raises(JobError, match=says):
        await flag_of(orders, flag=flag)


@pytest.mark.parametrize(
    "flag", [Flag(table="orders", column="made"), Flag(table="orders", set={"Made": "{{ receipt }}"})]
)
async def test_a_generated_column_is_neither_flag_nor_set_with_it(world: World, flag: Flag) -> None:
    await world.run(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, code INTEGER, is_import INTEGER NOT NULL DEFAULT 0,"
        " made INTEGER GENERATED ALWAYS AS (code) STORED)"
    )
    with pytest.raises(JobError, match="made is a generated column"):
        await flag_of(world, flag=flag)


async def test_the_flags_table_may_have_a_dot_in_its_name(world: World) -> None:
    name = world.quoted("`Orders.2024`")
    await world.run(
        f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, code INTEGER, is_import INTEGER NOT NULL DEFAULT 0)",
        f"INSERT INTO {name} VALUES (1, 1, 0), (2, 2, 1)",
    )
    source = await open_source(world.job(f"SELECT * FROM {name}", flag=Flag(table=name)), world.database)
    assert await source.flagged(["1", "2"]) == {"2"}


async def test_a_column_that_numbers_itself_is_no_flag(postgresql: World) -> None:
    await postgresql.run(
        "CREATE TABLE orders (id int PRIMARY KEY, code int, is_import int GENERATED ALWAYS AS IDENTITY, other int DEFAULT 0)"
    )
    with pytest.raises(JobError, match="is_import is a generated column"):
        await flag_of(postgresql)
    await flag_of(postgresql, flag=Flag(table="orders", column="other"))


async def test_s20_a_column_that_follows_every_update_keeps_its_value(mariadb: World) -> None:
    await mariadb.run(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, code INTEGER, is_import INTEGER NOT NULL DEFAULT 0,"
        " seen TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6))",
        "INSERT INTO orders (id, seen) VALUES (1, '2001-02-03 04:05:06.7')",
    )
    flags = await writer(mariadb)
    async with mariadb.database.writing() as connection:
        await flags.mark(connection, marks(1))
        await flags.clear(connection, ["1"])
    assert await mariadb.fetch("SELECT CAST(seen AS CHAR) FROM orders") == [("2001-02-03 04:05:06.700000",)]


async def share(world: World) -> World:
    """Rows that others use too, and codes whose case the database ignores."""
    collation = "COLLATE ignoring_case" if world.is_postgresql else ""
    if world.is_postgresql:
        await world.run(
            "CREATE COLLATION ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
    await world.run(
        f"CREATE TABLE orders (id INTEGER PRIMARY KEY, code VARCHAR(20) {collation} NOT NULL UNIQUE,"
        " is_import INTEGER NOT NULL DEFAULT 0)",
        "INSERT INTO orders (id, code) VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "CREATE TABLE other (id INTEGER PRIMARY KEY)",
    )
    return world


@pytest.fixture
async def shared(server: World) -> World:
    return await share(server)


@pytest.fixture
async def shared_mariadb(mariadb: World) -> World:
    return await share(mariadb)


async def refuse_updates(world: World) -> None:
    if world.is_postgresql:
        await world.run(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'hands off'; END $$",
            "CREATE TRIGGER no BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        return
    await world.run(
        "CREATE TRIGGER no BEFORE UPDATE ON orders FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'hands off'"
    )


async def patience_of(connection: AsyncConnection, world: World) -> str:
    asked = "SHOW lock_timeout" if world.is_postgresql else "SELECT @@innodb_lock_wait_timeout"
    return str((await connection.exec_driver_sql(asked)).scalar())[0]


async def test_locks_are_waited_for_as_before_when_flags_have_been_set(shared: World) -> None:
    flags = await writer(shared)
    async with shared.database.writing() as connection:
        await flags.mark(connection, marks(1))
        assert await patience_of(connection, shared) == "5"


async def test_s6_a_held_row_leaves_the_rest_of_the_transaction_alone(shared: World) -> None:
    flags = await writer(shared)
    async with holding(shared, 2), asyncio.timeout(4), shared.database.writing() as connection:
        await connection.exec_driver_sql("INSERT INTO other VALUES (7)")
        with pytest.raises(FlagsLocked):
            await flags.mark(connection, marks(1, 2, 3))
        assert await patience_of(connection, shared) == "5"
    assert await shared.fetch("SELECT id FROM other") == [(7,)]
    assert await shared.fetch(FLAGGED) == []


async def test_s6_rows_that_others_hold_are_left_out(shared: World) -> None:
    desk = SourceFlagDesk(shared.database, await writer(shared))
    async with holding(shared, 2):
        assert sorted(await desk.mark(marks(1, 2, 3, 99))) == ["1", "3", "99"]
    assert await shared.fetch(FLAGGED) == [(1,), (3,)]
    assert await desk.mark(marks(2)) == ["2"]
    assert await shared.fetch(FLAGGED) == [(1,), (2,), (3,)]


async def test_a_key_that_only_the_collation_takes_for_the_rows_is_flagged_when_nobody_holds_the_row(
    shared: World,
) -> None:
    desk = SourceFlagDesk(shared.database, await writer(shared, ORDERS, "code"))
    async with holding(shared, 1):
        assert await desk.mark(marks("A", "b", "gone")) == ['"b"']
    assert sorted(await desk.mark(marks("A", "gone"))) == ['"A"', '"gone"']
    assert await shared.fetch(FLAGGED) == [(1,), (2,)]


def on(flag: FlagTable, locking: Locking) -> FlagWriter:
    return FlagWriter(FlagTable(flag.dialect, flag.table, flag.column, flag.key, flag.pinned, locking), Noon())


async def test_s8_old_servers_try_one_row_after_the_other(shared_mariadb: World) -> None:
    flags = on(await flag_of(shared_mariadb), Locking(skips_locked=False))
    desk = SourceFlagDesk(shared_mariadb.database, flags)
    async with holding(shared_mariadb, 2):
        assert sorted(await desk.mark(marks(1, 2, 3, 99))) == ["1", "3", "99"]
    assert await shared_mariadb.fetch(FLAGGED) == [(1,), (3,)]


async def test_a_server_that_is_not_told_with_each_statement_waits_for_locks_as_before_afterwards(
    shared_mariadb: World,
) -> None:
    flags = on(await flag_of(shared_mariadb), Locking(has_set_statement=False))
    async with shared_mariadb.database.writing() as connection:
        await flags.mark(connection, marks(1))
        assert await patience_of(connection, shared_mariadb) == "5"


async def test_no_lock_is_waited_for_where_a_time_out_would_undo_the_whole_transaction(shared_mariadb: World) -> None:
    shared = shared_mariadb
    flag = await flag_of(shared)
    asking = on(flag, Locking(skips_locked=True, loses_all=True))
    unable = on(flag, Locking(skips_locked=False, loses_all=True))
    async with holding(shared, 2), shared.database.writing() as connection:
        with pytest.raises(FlagsLocked):
            await asking.mark(connection, marks(1, 2))
        assert await asking.mark(connection, marks(1, 3)) == 2
        with pytest.raises(FlagsLocked):
            await unable.mark(connection, marks(1))
    assert await shared.fetch(FLAGGED) == [(1,), (3,)]


async def test_s6_a_server_that_rolls_all_back_with_a_lock_wait_loses_nothing(tmp_path: Path) -> None:
    with own_mariadb(tmp_path / "mariadb", "--innodb-rollback-on-timeout") as own:
        async with world_at(own.url("penstock")) as world:
            shared = await share(world)
            flags = await writer(shared)
            async with holding(shared, 2), shared.database.writing() as connection:
                await connection.exec_driver_sql("INSERT INTO other VALUES (7)")
                with pytest.raises(FlagsLocked):
                    await flags.mark(connection, marks(1, 2, 3))
            assert await shared.fetch("SELECT id FROM other") == [(7,)]


async def test_a_table_without_transactions_is_flagged_after_the_ledger_only(mariadb: World) -> None:
    await mariadb.run(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, code INTEGER, is_import INTEGER NOT NULL DEFAULT 0) ENGINE = MyISAM",
        "INSERT INTO orders (id) VALUES (1)",
    )
    flags = await writer(mariadb)
    async with mariadb.database.writing() as connection:
        with pytest.raises(FlagsLocked):
            await flags.mark(connection, marks(1))
    assert await SourceFlagDesk(mariadb.database, flags).mark(marks(1)) == ["1"]
    assert await mariadb.fetch(FLAGGED) == [(1,)]


async def test_s18_a_trigger_that_refuses_leaves_the_ledgers_rows_and_is_told_afterwards(shared: World) -> None:
    await refuse_updates(shared)
    flags = await writer(shared)
    async with shared.database.writing() as connection:
        await connection.exec_driver_sql("INSERT INTO other VALUES (7)")
        with pytest.raises(FlagsLocked):
            await flags.mark(connection, marks(1))
    assert await shared.fetch("SELECT id FROM other") == [(7,)]
    with pytest.raises(JobError, match=r"setting flags.*hands off"):
        await SourceFlagDesk(shared.database, flags).mark(marks(1))


@pytest.mark.parametrize(
    ("version", "knows"),
    [
        ("10.11.19-MariaDB-0+deb12u1", True),
        ("5.5.5-10.6.4-MariaDB", True),
        ("10.5.26-MariaDB", False),
        ("8.0.36", True),
        ("5.7.44-log", False),
    ],
)
def test_s8_servers_that_skip_locked_rows_are_known_by_version(version: str, knows: bool) -> None:
    assert skips_locked(version) is knows


@pytest.mark.parametrize(
    ("version", "knows"),
    [
        ("10.11.19-MariaDB-0+deb12u1", True),
        ("5.5.5-10.1.2-MariaDB", True),
        ("5.5.5-10.0.38-MariaDB", False),
        ("5.5.68-MariaDB", False),
        ("8.0.36", False),
    ],
)
def test_servers_that_are_told_with_a_statement_how_long_it_may_wait_are_known_by_version(
    version: str, knows: bool
) -> None:
    """To an older one SET STATEMENT is an error, and no flag would ever be set."""
    assert has_set_statement(version) is knows


async def test_s22_a_flag_that_could_be_set_for_rows_never_sent_is_refused(world: World) -> None:
    await world.run(
        "CREATE TABLE orders (id INTEGER NOT NULL, code INTEGER NOT NULL, is_import INTEGER NOT NULL DEFAULT 0)"
    )
    with pytest.raises(JobError, match="no unique index of orders finds a row by id"):
        await writer(world)


@pytest.mark.parametrize("declared", ["VARCHAR(20)", "REAL", "BLOB", "TEXT"])
async def test_s13_a_column_that_holds_data_is_no_flag(world: World, declared: str) -> None:
    declared = "BYTEA" if declared == "BLOB" and world.is_postgresql else declared
    await world.run(f"CREATE TABLE orders (id INTEGER PRIMARY KEY, code INTEGER, note {declared})")
    with pytest.raises(JobError, match="does not hold 0 and 1"):
        await flag_of(world, flag=Flag(table="orders", column="note"))


@pytest.mark.parametrize(
    ("query", "marked"),
    [("SELECT house, n FROM t", "[2,1]"), ("SELECT house, n FROM t UNION SELECT house, n FROM t", '["m",1]')],
    ids=["by its number", "by its text, which UNION makes of it"],
)
async def test_a_row_is_flagged_and_found_flagged_by_an_enum(mariadb: World, query: str, marked: str) -> None:
    await mariadb.run(
        "CREATE TABLE t (house ENUM('z','m') NOT NULL, n INTEGER NOT NULL, is_import INTEGER NOT NULL DEFAULT 0,"
        " PRIMARY KEY (house, n))",
        "INSERT INTO t (house, n) VALUES ('m', 1), ('m', 2), ('z', 1)",
    )
    job = mariadb.job(query, "house", "n", flag=Flag(table="t"))
    source = await open_source(job, mariadb.database)
    assert source.plan.flag is not None
    flags = FlagWriter(source.plan.flag, Noon())
    async with mariadb.database.writing() as connection:
        assert await flags.mark(connection, [Mark(marked, None)]) == 1
        assert await flags.mark_unlocked(connection, [Mark(marked, None)]) == [marked]
    assert await mariadb.fetch("SELECT house, n FROM t WHERE is_import = 1") == [("m", 1)]
    assert await source.flagged((await source.keys_in_query(None, 10)).keys) == {marked}
