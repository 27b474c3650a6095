from __future__ import annotations

import asyncio

import pytest
from tests.source.shop import AROUND, INSIDE, SHOP
from tests.source.worlds import World, another_user

from penstock.errors import JobError
from penstock.source.facts import FlagFacts, SourceFacts
from penstock.source.flag_trial import refuse_without_right
from penstock.source.inspect import find_twins, inspect_source
from penstock.source.open import open_source
from penstock.source.origin import Table
from penstock.source.prepare import add_flag_sql, drop_flag_sql, run_on_table
from penstock.spec.models import Flag

JOIN = INSIDE["a join"]


async def facts_of(world: World, query: str = JOIN, *key: str, flag: Flag | None = None) -> SourceFacts:
    return await inspect_source(world.job(query, *key, flag=flag), world.database)


async def flag_of(world: World, flag: Flag) -> FlagFacts:
    facts = (await facts_of(world, flag=flag)).flag
    assert facts is not None
    return facts


@pytest.fixture
async def shop(world: World) -> World:
    await world.run(*SHOP)
    return world


async def test_the_server_says_what_it_is(shop: World) -> None:
    server = (await facts_of(shop)).server
    assert server.product == {"mysql": "MariaDB", "postgresql": "PostgreSQL", "sqlite": "SQLite"}[shop.database.kind]
    assert server.number > (3, 35)
    assert not server.is_read_only
    assert server.knows_instant == (not shop.is_sqlite)
    assert server.knows_invisible == (server.product == "MariaDB")


async def test_the_key_and_its_table_are_known(shop: World) -> None:
    facts = await facts_of(shop)
    assert str(facts.key_table) == "orders"
    assert facts.key_is_unique
    assert not facts.key_may_be_null
    assert facts.estimated_rows is not None


async def test_a_key_without_a_unique_index_is_told(shop: World) -> None:
    assert (await facts_of(shop, "SELECT qty, note FROM orders", "qty")).key_is_unique is None


async def test_a_function_in_the_place_of_a_table_has_no_index(sqlite: World) -> None:
    query = "SELECT key AS id, value FROM json_each('[7, 8]')"
    assert [row.key for row in await sqlite.rows(query)] == ["0", "1"]
    facts = await facts_of(sqlite, query)
    assert (facts.key_table, facts.key_is_unique, facts.estimated_rows) == (None, None, None)


async def test_part_of_a_composite_key_is_not_unique(shop: World) -> None:
    lines = "SELECT order_id, line FROM items"
    assert (await facts_of(shop, lines, "order_id")).key_is_unique is None
    assert (await facts_of(shop, lines, "order_id", "line")).key_is_unique


async def test_twins_are_found(shop: World) -> None:
    job = shop.job("SELECT o.id, i.line FROM orders o JOIN items i ON i.order_id = o.id", "id")
    assert sorted(await find_twins(job, shop.database)) == ["1", "3"]
    assert list(await find_twins(shop.job(JOIN), shop.database)) == []


async def test_a_page_by_the_key_scans_nothing_and_one_over_a_window_does(shop: World) -> None:
    await shop.run(
        "INSERT INTO orders (id, qty) WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
        " SELECT i, 1 FROM n"
    )
    by_key = await facts_of(shop, "SELECT * FROM orders")
    assert by_key.page is not None
    assert not by_key.page.costs_a_scan
    assert by_key.walk is not None
    assert not by_key.walk.costs_a_scan
    window = await facts_of(shop, AROUND["a window"])
    assert window.page is not None
    assert [table for table, _ in window.page.scanned] == ["orders"]


async def test_an_empty_table_has_no_plan(world: World) -> None:
    await world.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, qty INTEGER)")
    assert (await facts_of(world, "SELECT * FROM orders")).page is None


async def test_functions_that_show_the_sessions_clock_are_named(mariadb: World) -> None:
    await mariadb.run(*SHOP)
    query = "SELECT id, FROM_UNIXTIME(qty) AS at, NOW() AS n FROM orders"
    job = mariadb.job(query, timezone="Asia/Shanghai")
    assert (await inspect_source(job, mariadb.database)).zone_functions == ("FROM_UNIXTIME", "NOW")


async def test_the_longest_key_is_known_where_the_server_tells(mariadb: World) -> None:
    await mariadb.run("CREATE TABLE t (a VARCHAR(300) NOT NULL, b INT NOT NULL, PRIMARY KEY (a, b))")
    assert (await facts_of(mariadb, "SELECT a, b FROM t", "a")).longest_key == 302
    assert (await facts_of(mariadb, "SELECT a, b FROM t", "a", "b")).longest_key == 302 + 22 + 3


async def test_prepare_adds_the_flag_and_undo_takes_it_away(shop: World) -> None:
    flag = Flag(table="orders")
    before = await flag_of(shop, flag)
    assert before.exists
    assert before.declared is None
    server = (await facts_of(shop)).server
    await run_on_table(shop.database, add_flag_sql(server, before), before.table)
    after = await flag_of(shop, flag)
    assert after.declared is not None
    assert after.is_ours
    assert after.may_write
    assert after.is_invisible == server.knows_invisible
    assert add_flag_sql(server, after) == ()
    assert await shop.fetch("SELECT DISTINCT is_import FROM orders") == [(0,)]
    await run_on_table(shop.database, drop_flag_sql(server, after), after.table)
    assert (await flag_of(shop, flag)).declared is None


async def test_a_hidden_flag_leaves_the_old_applications_statements_alone(mariadb: World) -> None:
    await mariadb.run(*SHOP)
    server = (await facts_of(mariadb)).server
    [statement] = add_flag_sql(server, await flag_of(mariadb, Flag(table="orders")))
    assert "ALGORITHM=INSTANT" in statement
    await run_on_table(mariadb.database, [statement], Table("", "orders"))
    await mariadb.run("INSERT INTO orders VALUES (500, 1, 1, 'as ever')")
    assert len((await mariadb.fetch("SELECT * FROM orders WHERE id = 500"))[0]) == 4


async def test_undo_never_drops_a_flag_that_somebody_else_made(shop: World) -> None:
    await shop.run("ALTER TABLE orders ADD COLUMN is_import INTEGER NOT NULL DEFAULT 0")
    facts = await flag_of(shop, Flag(table="orders"))
    assert not facts.is_ours
    assert drop_flag_sql((await facts_of(shop)).server, facts) == ()


async def test_undo_never_drops_a_flag_beside_which_another_was_added(shop: World) -> None:
    await shop.run("ALTER TABLE orders ADD COLUMN sent INTEGER NOT NULL DEFAULT 0")
    server, ours = (await facts_of(shop)).server, Flag(table="orders")
    await run_on_table(shop.database, add_flag_sql(server, await flag_of(shop, ours)), Table("", "orders"))
    assert (await flag_of(shop, ours)).is_ours
    assert not (await flag_of(shop, Flag(table="orders", column="sent"))).is_ours


async def test_a_number_that_is_part_of_a_primary_key_is_no_key_by_itself(world: World) -> None:
    await world.run(
        "CREATE TABLE t (house VARCHAR(9) NOT NULL, n INTEGER NOT NULL, is_import INTEGER DEFAULT 0, PRIMARY KEY (house, n))"
    )
    job = world.job("SELECT n, MAX(house) AS house FROM t GROUP BY n", "n", flag=Flag(table="t"))
    facts = await inspect_source(job, world.database)
    assert facts.key_is_unique is None
    assert facts.flag is not None
    assert not facts.flag.has_unique_key
    with pytest.raises(JobError, match="no unique index of t finds a row by n"):
        await open_source(job, world.database)


async def test_no_flag_is_added_where_none_could_be_set(world: World) -> None:
    await world.run("CREATE TABLE t (id INTEGER NOT NULL, house VARCHAR(9))", "CREATE TABLE u (id INTEGER PRIMARY KEY)")
    server = (await facts_of(world, "SELECT id FROM t")).server
    for flag, says in (
        (Flag(table="t"), "no unique index of t"),
        (Flag(table="u", set={"x": ""}), "u has no column x"),
    ):
        facts = (await facts_of(world, f"SELECT id FROM {flag.table}", flag=flag)).flag
        assert facts is not None
        with pytest.raises(JobError, match=says):
            add_flag_sql(server, facts)


async def test_a_table_that_would_be_copied_is_told_with_a_statement_that_the_server_takes(mariadb: World) -> None:
    await mariadb.run(*SHOP, "ALTER TABLE orders ENGINE = MyISAM")
    statements = add_flag_sql((await facts_of(mariadb)).server, await flag_of(mariadb, Flag(table="orders")))
    with pytest.raises(JobError, match="would have to copy the table orders") as refusal:
        await run_on_table(mariadb.database, statements, Table("", "orders"))
    await mariadb.run(str(refusal.value).partition("run: ")[2])
    assert (await flag_of(mariadb, Flag(table="orders"))).is_ours


async def test_s17_a_held_table_is_told_with_the_statement_to_run(server: World) -> None:
    await server.run(*SHOP)
    found = (await facts_of(server)).server
    statements = add_flag_sql(found, await flag_of(server, Flag(table="orders")))
    async with server.database.writing() as other:
        await other.exec_driver_sql("SELECT * FROM orders WHERE id = 1")
        holder = "another session"
        if server.is_postgresql:
            pid = (await other.exec_driver_sql("SELECT pg_backend_pid()")).scalar()
            holder = rf"session {pid} of penstock \(penstock, idle in transaction, for \d s\)"
        # Everybody else's SELECT would wait behind it for as long as it waits.
        async with asyncio.timeout(4):
            with pytest.raises(JobError, match=rf"{holder} holds the table orders.*ALTER TABLE .orders. ADD COLUMN"):
                await run_on_table(server.database, statements, Table("", "orders"))


async def test_s19_s20_facts_of_the_flags_table(mariadb: World) -> None:
    await mariadb.run(
        *SHOP,
        "ALTER TABLE orders ADD COLUMN sent TINYINT",
        "ALTER TABLE orders ADD COLUMN seen TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
        "CREATE TRIGGER watch AFTER UPDATE ON orders FOR EACH ROW SET @seen = 1",
    )
    facts = await flag_of(mariadb, Flag(table="orders", column="sent"))
    assert facts.triggers == ("watch",)
    assert facts.pinned == ("seen",)
    assert facts.is_nullable
    assert facts.has_unique_key
    assert facts.is_transactional
    assert (await flag_of(mariadb, Flag(table="orders", column="note"))).holds_numbers is False
    await mariadb.run("ALTER TABLE orders ENGINE = MyISAM")
    assert not (await flag_of(mariadb, Flag(table="orders", column="sent"))).is_transactional


async def test_s19_triggers_of_sqlite_are_named(sqlite: World) -> None:
    await sqlite.run(*SHOP, "CREATE TRIGGER watch AFTER UPDATE ON orders BEGIN SELECT 1; END")
    assert (await flag_of(sqlite, Flag(table="orders"))).triggers == ("watch",)


async def test_a_missing_flag_table_is_a_fact_and_no_error(shop: World) -> None:
    assert not (await flag_of(shop, Flag(table="nowhere"))).exists
    with pytest.raises(JobError, match="there is no table nowhere"):
        add_flag_sql((await facts_of(shop)).server, await flag_of(shop, Flag(table="nowhere")))


async def test_s12_a_user_without_the_right_is_known_beforehand(server: World) -> None:
    await server.run(*SHOP, "ALTER TABLE orders ADD COLUMN is_import SMALLINT NOT NULL DEFAULT 0")
    async with another_user(server, "SELECT ON orders", "SELECT ON customers") as reader:
        assert (await flag_of(reader, Flag(table="orders"))).may_write is False


async def test_s12_the_right_to_set_further_columns_is_needed_too(server: World) -> None:
    await server.run(*SHOP, "ALTER TABLE orders ADD COLUMN is_import SMALLINT NOT NULL DEFAULT 0")
    async with another_user(server, "SELECT ON orders", "UPDATE (is_import) ON orders") as reader:
        for flag, may in ((Flag(table="orders"), True), (Flag(table="orders", set={"note": "{{ receipt }}"}), False)):
            facts = (await facts_of(reader, "SELECT id FROM orders", flag=flag)).flag
            assert facts is not None
            assert facts.may_write is may
        table = (await open_source(reader.job("SELECT id FROM orders", flag=flag), reader.database)).plan.flag
        assert table is not None
        with pytest.raises(JobError, match=r"GRANT UPDATE \(is_import, note\) ON orders"):
            await refuse_without_right(reader.database, table)
