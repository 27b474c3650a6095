"""What PostgreSQL has and others have not: names that keep their case, charsets, partitions, plans, booleans."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import make_url
from tests.source.test_source_flags import Noon
from tests.source.worlds import World, another_user, read_all, world_at

from penstock.errors import JobError, SourceUnreachable
from penstock.mapping.marks import compile_marks
from penstock.rows import Unreadable
from penstock.source.base import FlagsLocked, Mark
from penstock.source.facts import SourceFacts
from penstock.source.flags import FlagWriter, SourceFlagDesk
from penstock.source.inspect import inspect_source
from penstock.source.open import open_source
from penstock.source.prepare import add_flag_sql, run_on_table
from penstock.spec.models import Flag


async def facts_of(world: World, query: str, *key: str, flag: Flag | None = None) -> SourceFacts:
    return await inspect_source(world.job(query, *key, flag=flag), world.database)


async def keys_of(world: World, query: str, *key: str) -> list[str]:
    return [row.key for row in await read_all(await world.open(query, *key), 3, 2)]


@pytest.fixture
async def large(postgresql: World) -> World:
    await postgresql.run(
        "CREATE TABLE t (id int PRIMARY KEY, c int, v text)",
        "INSERT INTO t SELECT i, i % 100, 'x' FROM generate_series(1, 20000) AS i",
        "CREATE TABLE parts (k int, half int, v text, PRIMARY KEY (k, half)) PARTITION BY LIST (half)",
        "CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0)",
        "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1)",
        "INSERT INTO parts SELECT i, i % 2 FROM generate_series(1, 20000) AS i",
    )
    async with world_at(postgresql.url) as old, old.database.reading() as connection:
        await connection.exec_driver_sql("VACUUM ANALYZE")
    return postgresql


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM t",
        "SELECT * FROM t WHERE c = 3",
        "WITH few AS (SELECT * FROM t WHERE c < 5) SELECT * FROM few",
        "SELECT t.id, x.n FROM t CROSS JOIN LATERAL (SELECT count(*) AS n FROM parts WHERE parts.k = t.id) AS x",
        "SELECT a.id, b.v FROM t AS a JOIN t AS b ON b.id = a.c",
        "SELECT id, v FROM t LIMIT 3",
        "SELECT k AS id, v FROM parts WHERE half = 1",
    ],
)
async def test_a_page_that_ends_early_or_goes_by_an_index_scans_nothing(large: World, query: str) -> None:
    facts = await facts_of(large, query)
    assert facts.page is not None
    assert facts.page.scanned == ()
    assert facts.walk is not None
    assert facts.walk.scanned == ()


@pytest.mark.parametrize(
    ("query", "table"),
    [
        ("SELECT id, row_number() OVER (ORDER BY id) AS n FROM t", "t"),
        ("SELECT c AS id, count(*) AS n FROM t GROUP BY c", "t"),
        ("WITH every AS MATERIALIZED (SELECT * FROM t) SELECT * FROM every", "t"),
        ("SELECT DISTINCT ON (c) c AS id, v FROM t ORDER BY c, id", "t"),
        ("SELECT id, v FROM t ORDER BY c LIMIT 3", "t"),
        ("SELECT half * 100000 + k AS id FROM parts", "parts_0"),
    ],
)
async def test_a_page_that_costs_a_whole_table_is_told(large: World, query: str, table: str) -> None:
    facts = await facts_of(large, query)
    assert facts.page is not None
    assert facts.page.costs_a_scan
    name, rows = facts.page.scanned[0]
    assert name == table
    assert rows in (10000, 20000)
    assert any(words.startswith(f"{table}: ") for words in facts.page.words)


async def test_names_keep_their_case_where_they_are_quoted_and_lose_it_elsewhere(postgresql: World) -> None:
    await postgresql.run(
        'CREATE TABLE "Orders" ("ID" int PRIMARY KEY, total int)',
        'INSERT INTO "Orders" SELECT i, i FROM generate_series(1, 9) AS i',
        'CREATE SCHEMA "Old Shop"',
        'CREATE TABLE "Old Shop".items (id int PRIMARY KEY, "ID" int)',
        'INSERT INTO "Old Shop".items SELECT i, i - 10 FROM generate_series(1, 9) AS i',
    )
    every = [str(number) for number in range(1, 10)]
    for query, key in (
        ('SELECT O."ID" AS number, Total FROM "Orders" AS O WHERE o.TOTAL > 0 OR o.total < 0', "number"),
        ('SELECT * FROM "Orders"', "ID"),
    ):
        facts = await facts_of(postgresql, query, key)
        assert (str(facts.key_table), facts.is_inside, facts.key_is_unique) == ("Orders", True, True)
        assert await keys_of(postgresql, query, key) == every
    for query in (
        'SELECT ID, "ID" FROM "Old Shop".Items',
        'SELECT Id FROM "Old Shop".items',
    ):  # neither taken for the other
        assert await keys_of(postgresql, query, "id") == every
    for query in ('SELECT ID, "ID" FROM "Old Shop".Items', 'SELECT "ID" FROM "Old Shop".items'):
        assert await keys_of(postgresql, query, "ID") == [str(number) for number in range(-9, 0)]


async def test_a_composite_that_the_driver_does_not_read_is_told_with_what_to_write(postgresql: World) -> None:
    await postgresql.run("CREATE TABLE t (id int PRIMARY KEY, j jsonb)", """INSERT INTO t VALUES (1, '{"a": 1}')""")
    with pytest.raises(JobError, match=r'"public"."t".*: write CAST\(... AS text\) in the query'):
        await postgresql.open("SELECT id, t AS whole FROM t")
    [row] = await postgresql.rows("SELECT id, CAST(t AS text) AS whole FROM t")
    assert row.values[1] == '(1,"{""a"": 1}")'


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM generate_series(1, 3) AS id",
        "SELECT id FROM public.numbers(3) AS id",
        """SELECT * FROM json_to_recordset('[{"id": 1}, {"id": 2}, {"id": 3}]') AS t(id int)""",
        "SELECT CAST(e AS int) AS id FROM t, jsonb_array_elements(t.j) AS e",
        "SELECT t.id FROM t, numbers(1) AS n WHERE n = 1",
    ],
)
async def test_functions_are_read_from(postgresql: World, query: str) -> None:
    await postgresql.run(
        "CREATE FUNCTION numbers(most int) RETURNS SETOF int LANGUAGE sql AS 'SELECT generate_series(1, most)'",
        "CREATE TABLE t (id int PRIMARY KEY, j jsonb)",
        "INSERT INTO t VALUES (1, '[1, 2]'), (2, '[3]'), (3, NULL)",
    )
    assert await keys_of(postgresql, query, "id") == ["1", "2", "3"]
    assert (await facts_of(postgresql, query)).key_is_unique is (True if query.startswith("SELECT t.id") else None)


async def test_tables_whose_policies_may_hide_rows_are_told(postgresql: World) -> None:
    await postgresql.run(
        "CREATE TABLE t (id int PRIMARY KEY, v int)",
        "CREATE TABLE u (id int PRIMARY KEY)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY positive ON t USING (v > 0)",
        "INSERT INTO t VALUES (1, 1), (2, 0)",
    )
    query = "SELECT t.id FROM t LEFT JOIN u ON u.id = t.id"
    assert (await facts_of(postgresql, query)).row_security == ()  # the owner sees everything
    async with another_user(postgresql, "SELECT ON t", "SELECT ON u") as guest:
        assert (await facts_of(guest, query)).row_security == ("t",)
        assert await keys_of(guest, query) == ["1"]


async def test_rows_that_only_inherit_a_tables_key_are_no_proof_that_it_is_unique(postgresql: World) -> None:
    await postgresql.run(
        "CREATE TABLE parent (id int PRIMARY KEY, v int)",
        "CREATE TABLE child () INHERITS (parent)",
        "INSERT INTO parent VALUES (1, 1)",
        "INSERT INTO child VALUES (1, 2)",
    )
    assert (await facts_of(postgresql, "SELECT * FROM parent")).key_is_unique is None
    with pytest.raises(JobError, match="not unique: the query shows 1 more than once"):
        await postgresql.rows("SELECT * FROM parent")


@pytest.mark.parametrize(
    ("index", "proves"),
    [
        ("CREATE UNIQUE INDEX ON t (k)", True),
        ("CREATE UNIQUE INDEX ON t (k) INCLUDE (v)", True),
        ("CREATE UNIQUE INDEX ON t (k, v)", None),
        ("CREATE UNIQUE INDEX ON t (k) WHERE v > 0", None),
        ("CREATE UNIQUE INDEX ON t (k, (v + 1))", None),
        ("CREATE INDEX ON t (k)", None),
    ],
)
async def test_only_an_index_of_the_whole_key_proves_it_unique(
    postgresql: World, index: str, proves: bool | None
) -> None:
    await postgresql.run("CREATE TABLE t (k int NOT NULL, v int NOT NULL)", index)
    assert (await facts_of(postgresql, "SELECT * FROM t", "k")).key_is_unique is proves


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", "changes rows"),
        ("SELECT id, $1 AS v FROM t", r"placeholder \$1"),
        ("SELECT id FROM t FOR NO KEY UPDATE", "locks rows"),
        ("SELECT id FROM t FOR SHARE", "locks rows"),
        ("SELECT id INTO other FROM t", "elsewhere"),
        ("TABLE t", "begins with 'TABLE'"),
        ("SELECT id FROM t; SELECT 1", "several statements"),
        ("SELECT id, v::nonsense FROM t", "nonsense"),
        ("SELECT id, 'a\0b' AS v FROM t", "NUL"),
    ],
)
async def test_what_does_more_than_read_is_refused(postgresql: World, query: str, says: str) -> None:
    await postgresql.run("CREATE TABLE t (id int PRIMARY KEY, v int)")
    with pytest.raises(JobError, match=says):
        await postgresql.open(query)


async def test_operators_and_texts_of_its_own_pass_through(postgresql: World) -> None:
    await postgresql.run(
        "CREATE TABLE t (id int PRIMARY KEY, v jsonb)", """INSERT INTO t VALUES (1, '{"a": 1}'), (2, '{"b": 1}')"""
    )
    query = r"""SELECT id, $q$ it's $1 ? $q$ AS q, E'x\ty' AS e, '50%' AS p FROM t WHERE v ? 'a' AND v @> '{"a": 1}'::jsonb"""
    [row] = await postgresql.rows(query)
    assert row.values == (1, " it's $1 ? ", "x\ty", "50%")


async def test_backslashes_are_backslashes_whatever_the_database_is_set_to(postgresql: World) -> None:
    name = make_url(postgresql.url).database
    await postgresql.run(
        f"ALTER DATABASE {name} SET standard_conforming_strings = off", "CREATE TABLE t (id int PRIMARY KEY)"
    )
    async with world_at(postgresql.url) as world:
        await world.run("INSERT INTO t VALUES (1), (2)")
        rows = await world.rows(r"SELECT id, '\' AS v FROM t WHERE '\' = '\' OR id = 1")
    assert [row.values for row in rows] == [(1, "\\"), (2, "\\")]


async def test_a_key_that_has_no_form_is_refused_with_its_value(postgresql: World) -> None:
    await postgresql.run("CREATE TABLE t (k date PRIMARY KEY)", "INSERT INTO t VALUES ('infinity')")
    source = await postgresql.open("SELECT k FROM t", "k")
    with pytest.raises(JobError, match=r"source.key k names no row where it cannot be read: 'infinity'"):
        await source.next_keys(None, 5)


async def test_s14_a_table_that_is_altered_under_a_run_stops_it_and_no_value_takes_anothers_place(
    server: World,
) -> None:
    await server.run(
        "CREATE TABLE o (id int PRIMARY KEY)",
        "CREATE TABLE c (email VARCHAR(20))",
        "INSERT INTO o VALUES (1)",
        "INSERT INTO c VALUES ('ann')",
    )
    source = await server.open("SELECT o.*, c.email FROM o CROSS JOIN c")
    assert (await source.read_keys(["1"]))["1"].values == (1, "ann")
    await server.run("ALTER TABLE o ADD COLUMN later int")
    with pytest.raises((JobError, SourceUnreachable)):
        await source.read_keys(["1"])
    with pytest.raises(JobError, match="shows other columns than it did"):
        await source.read_keys(["1"])


@pytest.fixture
async def encoded(request: pytest.FixtureRequest, postgresql: World) -> AsyncIterator[World]:
    """A database in another charset than UTF-8."""
    url = make_url(postgresql.url)
    name = f"{url.database}_{uuid4().hex[:4]}"
    async with postgresql.database.reading() as connection:
        await connection.exec_driver_sql(
            f"CREATE DATABASE {name} ENCODING '{request.param}' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
        )
    try:
        async with world_at(url.set(database=name).render_as_string(hide_password=False)) as world:
            yield world
    finally:
        async with postgresql.database.reading() as connection:
            await connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(
    ("encoded", "euro"), [("LATIN9", "€"), ("WIN1252", "€"), ("SQL_ASCII", "€")], indirect=["encoded"]
)
async def test_text_is_utf8_whatever_the_databases_charset(encoded: World, euro: str) -> None:
    await encoded.run(
        "CREATE TABLE t (k varchar(9) PRIMARY KEY, v text)", f"INSERT INTO t VALUES ('é', '{euro}'), ('a', 'b')"
    )
    assert [row.values for row in await encoded.rows("SELECT k, v FROM t", "k")] == [("a", "b"), ("é", euro)]


@pytest.mark.parametrize(("encoded", "good"), [("WIN1252", "C3A9"), ("SQL_ASCII", "C383C2A9")], indirect=["encoded"])
async def test_d11_bytes_that_are_no_text_spoil_their_own_value_only(encoded: World, good: str) -> None:
    await encoded.run("CREATE TABLE t (id int PRIMARY KEY, v text, w text[], j text)")
    for number, text in ((1, "41"), (2, "4181FF"), (3, good)):
        value = f"convert_from('\\x{text}', getdatabaseencoding())"
        await encoded.run(f"INSERT INTO t VALUES ({number}, {value}, ARRAY[{value}], 'ü')")
    first, second, third = await encoded.rows("SELECT * FROM t")
    assert (first.values[1], first.values[3]) == ("A", "ü")
    assert isinstance(second.values[1], Unreadable)
    assert second.values[3] == "ü"
    assert third.values[1] == "Ã©"
    assert all(isinstance(row.values[2], Unreadable) for row in (first, second, third))


BOOLEAN = Flag(
    table='"Orders"',
    column="Is_Import",
    set={"new_id": "{{ receipt }}", "Sent_At": "{{ now }}", "note": "{{ receipt }}"},
)
NUMBERS = 'SELECT "ID", total FROM "Orders"'


@pytest.fixture
async def flagged(postgresql: World) -> World:
    await postgresql.run(
        'CREATE TABLE "Orders" ("ID" int PRIMARY KEY, total int, is_import boolean NOT NULL DEFAULT false,'
        " new_id bigint, sent_at timestamptz, note varchar(3))",
        'INSERT INTO "Orders" SELECT i, i FROM generate_series(1, 5) AS i',
    )
    return postgresql


async def flag_writer(world: World) -> FlagWriter:
    source = await open_source(world.job(NUMBERS, "ID", flag=BOOLEAN), world.database)
    assert source.plan.flag is not None
    return FlagWriter(source.plan.flag, Noon(), compile_marks(BOOLEAN.set))


async def test_a_boolean_flag_and_columns_of_other_types_are_set(flagged: World) -> None:
    flags = await flag_writer(flagged)
    async with flagged.database.writing() as connection:
        assert await flags.mark(connection, [Mark("1", "77"), Mark("2", "78"), Mark("3", None)]) == 3
    noon = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
    assert await flagged.fetch('SELECT "ID", new_id, sent_at, note FROM "Orders" WHERE is_import ORDER BY 1') == [
        (1, 77, noon, "77"),
        (2, 78, noon, "78"),
        (3, None, noon, None),
    ]
    source = await open_source(flagged.job(NUMBERS, "ID", flag=BOOLEAN), flagged.database)
    assert await source.flagged(["1", "3", "4"]) == {"1", "3"}
    async with flagged.database.writing() as connection:
        assert await flags.clear(connection, ["1"]) == 1
    assert await source.flagged(["1", "3", "4"]) == {"3"}


async def test_a_receipt_that_does_not_fit_its_column_is_told_and_not_cut(flagged: World) -> None:
    flags = await flag_writer(flagged)
    async with flagged.database.writing() as connection:
        with pytest.raises(FlagsLocked):
            await flags.mark(connection, [Mark("1", "1234")])
    with pytest.raises(JobError, match=r"setting flags.*too long"):
        await SourceFlagDesk(flagged.database, flags).mark([Mark("1", "1234")])
    with pytest.raises(JobError, match=r"setting flags.*bigint"):
        await SourceFlagDesk(flagged.database, flags).mark([Mark("1", "A-1")])
    assert await flagged.fetch('SELECT count(*) FROM "Orders" WHERE is_import') == [(0,)]


async def test_a_row_that_others_merely_refer_to_is_free(postgresql: World) -> None:
    await postgresql.run(
        "CREATE TABLE orders (id int PRIMARY KEY, is_import int NOT NULL DEFAULT 0)",
        "CREATE TABLE items (order_id int REFERENCES orders (id))",
        "INSERT INTO orders VALUES (1)",
    )
    source = await open_source(postgresql.job("SELECT id FROM orders", flag=Flag(table="orders")), postgresql.database)
    assert source.plan.flag is not None
    desk = SourceFlagDesk(postgresql.database, FlagWriter(source.plan.flag, Noon()))
    async with postgresql.database.writing() as other:
        await other.exec_driver_sql("INSERT INTO items VALUES (1)")
        assert await desk.mark([Mark("1", None)]) == ["1"]


async def test_s19_only_triggers_that_the_flag_sets_off_are_named(postgresql: World) -> None:
    await postgresql.run(
        "CREATE TABLE orders (id int PRIMARY KEY, total int, is_import smallint NOT NULL DEFAULT 0)",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "CREATE TRIGGER every BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch()",
        "CREATE TRIGGER ours AFTER UPDATE OF total, is_import ON orders FOR EACH ROW EXECUTE FUNCTION touch()",
        "CREATE TRIGGER theirs AFTER UPDATE OF total ON orders FOR EACH ROW EXECUTE FUNCTION touch()",
        "CREATE TRIGGER added AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch()",
        "CREATE TRIGGER off BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch()",
        "ALTER TABLE orders DISABLE TRIGGER off",
    )
    flag = (await facts_of(postgresql, "SELECT id FROM orders", flag=Flag(table="orders"))).flag
    assert flag is not None
    assert flag.triggers == ("every", "ours")


async def test_prepare_rewrites_no_table(postgresql: World) -> None:
    await postgresql.run("CREATE TABLE orders (id int PRIMARY KEY)", "INSERT INTO orders VALUES (1)")
    facts = await facts_of(postgresql, "SELECT id FROM orders", flag=Flag(table="ORDERS"))
    assert facts.flag is not None
    before = await postgresql.fetch("SELECT pg_relation_filenode('orders')")
    await run_on_table(postgresql.database, add_flag_sql(facts.server, facts.flag), facts.flag.table)
    assert await postgresql.fetch("SELECT pg_relation_filenode('orders')") == before
    assert await postgresql.fetch("SELECT id, is_import FROM orders") == [(1, 0)]


async def test_moments_shown_on_the_sessions_wall_are_named(postgresql: World) -> None:
    await postgresql.run("CREATE TABLE t (id int PRIMARY KEY)")
    job = postgresql.job("SELECT id, now() AS n, LOCALTIMESTAMP AS l, CURRENT_DATE AS d FROM t", timezone="UTC")
    assert (await inspect_source(job, postgresql.database)).zone_functions == ("LOCALTIMESTAMP", "CURRENT_DATE")
