from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.database.wires import wire_to
from tests.source.shop import SHOP
from tests.source.worlds import World, another_user, read_all, rows_read, sweep_all, world_at

from penstock.database.fetch import MOST_AT_ONCE
from penstock.errors import JobError, SourceUnreachable
from penstock.rows import Row
from penstock.source.fingerprint import fingerprint
from penstock.source.reader import MOST_BYTES

ORDERS = "SELECT id, qty FROM orders"


def size_of(rows: Sequence[Row]) -> int:
    return sum(len(str(row.values[1])) for row in rows)


@pytest.fixture
async def shop(world: World) -> World:
    await world.run(*SHOP)
    return world


async def test_a_page_ends_at_the_memory_limit_and_the_span_goes_on(world: World) -> None:
    text = "LONGTEXT" if world.database.kind == "mysql" else "TEXT"
    await world.run(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {text})")
    large = "REPLACE(HEX(ZEROBLOB(1000000)), '0', 'x')" if world.is_sqlite else "REPEAT('x', 2000000)"
    for number in range(1, 31):
        value = large if number > 5 else "'small'"
        await world.run(f"INSERT INTO t VALUES ({number}, {value})")
    source = await world.open("SELECT id, v FROM t")
    page = await source.read_span(None, "30", 1000)
    assert not page.at_end
    assert 9 <= len(page.rows) < 30
    assert size_of(page.rows) <= MOST_BYTES + MOST_AT_ONCE * 2_000_000
    # The next pages are asked for in the size that fits, so that nothing is read and thrown away.
    assert source.rows_at_once < len(page.rows)
    page = await source.read_span(page.rows[-1].key, "30", 1000)
    assert size_of(page.rows) <= MOST_BYTES + 2_000_000
    rows = await read_all(source, 1000, 1000)
    assert [row.key for row in rows] == [str(number) for number in range(1, 31)]
    assert [len(str(row.values[1])) for row in rows] == [5] * 5 + [2_000_000] * 25


async def test_a_limit_of_rows_is_kept(shop: World) -> None:
    source = await shop.open(ORDERS)
    page = await source.read_span("1", "12", 3)
    assert ([row.key for row in page.rows], page.at_end) == (["2", "3", "4"], False)
    page = await source.read_span("9", "12", 2)
    assert ([row.key for row in page.rows], page.at_end) == (["11", "12"], True)
    page = await source.read_span("12", "29", 5)
    assert (page.rows, page.at_end) == ([], True)


async def test_planning_counts_keys_and_knows_the_end(shop: World) -> None:
    source = await shop.open(ORDERS)
    assert await source.next_keys(None, 5) == ("5", 5, False)
    assert await source.next_keys("12", 5) == ("77", 3, True)
    assert await source.next_keys("77", 5) == (None, 0, True)


async def test_a_sweep_of_a_query_that_shows_few_rows_comes_by_all_of_them(shop: World) -> None:
    source = await shop.open("SELECT id, qty FROM orders WHERE id IN (1, 77)")
    assert await source.keys_in_query(None, 3) == (["1"], "3")
    assert (await source.keys_in_query("3", 3)).keys == []
    for page in (1, 2, 3, 1000):
        assert await sweep_all(source, page) == ["1", "77"]


async def test_a_sweep_goes_past_a_key_that_names_no_row_and_is_left_out_by_the_query(world: World) -> None:
    await world.run(
        "CREATE TABLE orders (k VARCHAR(700) NOT NULL UNIQUE)",
        "INSERT INTO orders VALUES ('a'), ('b'), ('c'), ('e'), ('f')",
        f"INSERT INTO orders VALUES ('d{'x' * 600}')",
    )
    source = await world.open("SELECT k FROM orders WHERE k NOT LIKE '%xx'", "k")
    for page in (1, 2, 3, 4, 5, 6, 7):
        assert await sweep_all(source, page) == ['"a"', '"b"', '"c"', '"e"', '"f"']


async def test_rows_that_arrive_behind_the_last_key_while_a_sweep_ends_are_in_it(shop: World) -> None:
    source = await shop.open(ORDERS)
    last = (await source.next_keys(None, 1000)).last
    await shop.run("INSERT INTO orders (id, customer_id, qty) VALUES (78, NULL, 1), (79, NULL, 1)")
    assert (await source.keys_in_query(last, 1000)) == (["78", "79"], None)


async def test_no_slice_of_a_sweep_reads_rows_of_the_others(mariadb: World) -> None:
    """Given no upper bound, the server would read all orders customer by customer, and sort them, for the first slice."""
    await mariadb.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(20))",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, KEY (customer_id))",
        "INSERT INTO customers SELECT seq, 'x' FROM seq_1_to_2000",
        "INSERT INTO orders SELECT seq, 1 + seq % 2000 FROM seq_1_to_20000",
        "ANALYZE TABLE customers, orders",
    )
    source = await mariadb.open("SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id")
    await mariadb.run("SET GLOBAL userstat = 1")
    before = await rows_read(mariadb, "orders")
    assert len(await sweep_all(source, 1000)) == 20_000
    # For each row: once to count the slice off, once to read it. (And the row behind each slice's end.)
    assert await rows_read(mariadb, "orders") - before <= 2 * 20_000 + 100


async def test_the_values_are_in_the_order_of_the_columns(shop: World) -> None:
    source = await shop.open("SELECT qty, 'x' AS mark, id FROM orders WHERE id = 3")
    assert list(source.columns) == ["qty", "mark", "id"]
    assert (await source.read_keys(["3"]))["3"] == Row("3", (7, "x", 3))


async def test_a_changed_row_is_read_as_it_is_now(shop: World) -> None:
    source = await shop.open(ORDERS)
    await shop.run("UPDATE orders SET qty = 42 WHERE id = 1", "DELETE FROM orders WHERE id = 2")
    assert {key: row.values for key, row in (await source.read_keys(["1", "2"])).items()} == {"1": (1, 42)}


async def test_s16_a_table_that_vanishes_is_for_a_person_to_mend(shop: World) -> None:
    source = await shop.open(ORDERS)
    await shop.run("DROP TABLE orders")
    with pytest.raises(JobError, match=r"reading rows from .*orders"):
        await source.next_keys(None, 5)


async def test_a_server_that_is_not_there_may_come_back(server: World) -> None:
    await server.run(*SHOP)
    async with wire_to(server.url) as (wire, url), world_at(url) as behind:
        source = await behind.open(ORDERS)
        expected = await read_all(source, 1000, 1000)
        wire.cut_down_after(40)
        for attempt in (source.next_keys(None, 5), source.read_span(None, "77", 5), source.read_keys(["1"])):
            with pytest.raises(SourceUnreachable):
                await attempt
        with pytest.raises(SourceUnreachable):
            await sweep_all(source, 3)
        with pytest.raises(SourceUnreachable):
            await behind.open(ORDERS)
        wire.mend()
        assert await read_all(source, 3, 2) == expected


async def test_a_right_that_is_missing_is_named_with_a_way_out(server: World) -> None:
    await server.run(*SHOP)
    async with another_user(server, "SELECT ON customers") as guest:
        with pytest.raises(JobError, match=r"denied.*what they are granted"):
            await guest.open(ORDERS)


async def test_no_lock_and_no_transaction_is_left_behind(server: World) -> None:
    await server.run(*SHOP)
    source = await server.open(ORDERS)
    await read_all(source, 3, 2)
    await sweep_all(source, 3)
    patience = "SET LOCAL lock_timeout = '1s'" if server.is_postgresql else "SET SESSION lock_wait_timeout = 1"
    await server.run(patience, "ALTER TABLE orders ADD COLUMN later INTEGER")


async def test_a_text_with_every_sign_passes_through_query_and_key(server: World) -> None:
    signs = "".join(map(chr, range(1, 128)))
    collation = '"C"' if server.is_postgresql else "utf8mb4_bin"
    await server.run(f"CREATE TABLE t (k VARCHAR(200) COLLATE {collation} PRIMARY KEY)")
    async with server.database.writing() as connection:
        for text in (signs, signs + "z"):
            await connection.exec_driver_sql(f"INSERT INTO t VALUES ({server.hole})", (text,))
    literal = "'%%s %(x)s $1 \\\\ '' \" ` ; -- # /* ? :y'"
    [(plain,)] = await server.fetch(server.quoted(f"SELECT {literal}"))
    source = await server.open(f"SELECT k, {literal} AS v FROM t", "k")
    rows = await read_all(source, 1, 1)
    assert [row.values for row in rows] == [(text, plain) for text in (signs, signs + "z")]
    assert len(await source.read_keys([row.key for row in rows])) == 2


ROW = Row("1", (1, "a", None, Decimal("1.10"), datetime(2024, 1, 1, tzinfo=UTC), b"\xff", ("p",), {"a": [1]}))


def test_a_fingerprint_is_the_same_in_every_process_and_fits_a_signed_column() -> None:
    program = """
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from penstock.rows import Row
from penstock.source.fingerprint import fingerprint
values = (1, "a", None, Decimal("1.10"), datetime(2024, 1, 1, tzinfo=UTC), b"\\xff", ("p",), {"a": [1]})
print(fingerprint(Row("1", values)))
"""
    elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(elsewhere.stdout) == fingerprint(ROW)
    assert -(2**63) <= fingerprint(ROW) < 2**63


@pytest.mark.parametrize("other", [(1, "1"), (1, 1.0), (Decimal("1.0"), Decimal("1.00")), (None, ""), ("a", b"a")])
def test_values_that_differ_have_fingerprints_that_differ(other: tuple[object, object]) -> None:
    one, another = other
    assert fingerprint(Row("1", (one,))) != fingerprint(Row("1", (another,)))
