"""Whatever the shape of the query: pages of any size together are the rows of the query run at once."""

from __future__ import annotations

import pytest

from penstock.errors import JobError
from tests.source.worlds import World, read_all, sweep_all

SHOP = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, qty INTEGER NOT NULL, note VARCHAR(80))",
    "CREATE TABLE items (order_id INTEGER NOT NULL, line INTEGER NOT NULL, sku VARCHAR(20), qty INTEGER, PRIMARY KEY (order_id, line))",
    "INSERT INTO customers VALUES (1, 'ann@example.com'), (2, 'bo@example.com'), (3, 'cy@example.com')",
    "INSERT INTO orders VALUES (1,1,5,'a'), (2,1,0,'50% off?'), (3,2,7,':name'), (4,3,1,NULL), (5,NULL,9,'x;y'), (8,2,2,'it''s'),"
    " (9,3,3,'b'), (11,1,4,'c'), (12,2,6,'d'), (30,3,8,'e'), (31,1,1,'f'), (77,2,0,'g')",
    "INSERT INTO items VALUES (1,1,'p',1), (1,2,'q',2), (2,1,'p',1), (3,1,'r',4), (3,2,'p',1), (3,3,'q',1), (8,1,'r',2), (12,4,'q',9)",
)

BY_ID = {
    "a whole table": "SELECT * FROM orders",
    "a join": "SELECT o.id, o.qty, c.email FROM orders o JOIN customers c ON c.id = o.customer_id",
    "an unqualified key over a join": "SELECT qty, email, orders.id AS id FROM orders JOIN customers c ON c.id = customer_id",
    "an outer join": "SELECT o.id, c.email FROM orders o LEFT JOIN customers c ON c.id = o.customer_id",
    "a star and a column": "SELECT o.*, c.email FROM orders o LEFT JOIN customers c ON c.id = o.customer_id",
    "an OR": "SELECT id, qty FROM orders WHERE qty > 6 OR note = 'a'",
    "an order of its own": "SELECT o.id, o.qty FROM orders o WHERE o.qty > 0 ORDER BY o.qty DESC, o.id",
    "an alias": "SELECT o.id AS id, o.id * 2 AS twice FROM orders AS o",
    "comments and a semicolon": "-- first\nSELECT id, /* in; between */ qty FROM orders WHERE qty > 0 -- last one; ?\n;  -- end",
    "a comment before the order": "SELECT id FROM orders WHERE qty > 1 -- why\n ORDER BY qty",
    "signs in texts": "SELECT id, note, '%s ? :x % \"q\" `b`' AS t FROM orders WHERE note LIKE '50%' OR note IN (':name', 'it''s', 'x;y')",
    "a GROUP BY with the key": "SELECT o.id, COUNT(*) AS n, SUM(i.qty) AS q FROM orders o JOIN items i ON i.order_id = o.id GROUP BY o.id HAVING SUM(i.qty) > 1",
    "a GROUP BY another name": "SELECT i.order_id AS id, MAX(o.qty) AS q FROM orders o JOIN items i ON i.order_id = o.id GROUP BY i.order_id",
    "DISTINCT": "SELECT DISTINCT o.id, c.email FROM orders o JOIN items i ON i.order_id = o.id JOIN customers c ON c.id = o.customer_id",
    "UNION ALL": "SELECT id, qty FROM orders WHERE id < 9 UNION ALL SELECT id + 100, 0 FROM customers",
    "UNION of the same": "SELECT id FROM orders UNION SELECT id FROM customers",
    "a window": "SELECT id, qty, ROW_NUMBER() OVER (ORDER BY qty, id) AS place FROM orders",
    "a WITH": "WITH big AS (SELECT id, qty, customer_id FROM orders WHERE qty > 2) SELECT big.id, c.email FROM big JOIN customers c ON c.id = big.customer_id",
    "a LIMIT": "SELECT id, qty FROM orders ORDER BY qty DESC, id LIMIT 5",
    "a LIMIT with OFFSET": "SELECT id, qty FROM orders ORDER BY id LIMIT 4 OFFSET 3",
    "subqueries": "SELECT o.id, (SELECT MAX(i.qty) FROM items i WHERE i.order_id = o.id) AS m FROM orders o WHERE EXISTS (SELECT 1 FROM items i WHERE i.order_id = o.id)",
    "a derived table": "SELECT t.id, t.q FROM (SELECT o.id, o.qty AS q FROM orders o WHERE o.qty > 1) t WHERE t.q < 9",
    "backquotes": "SELECT `o`.`id`, `o`.`qty` AS `the qty` FROM `orders` AS `o` WHERE `o`.`qty` > 1",
    "an expression as key": "SELECT id + 1000 AS id, qty FROM orders",
    "a key that another column is named like": "SELECT qty AS customer_id, id FROM orders WHERE customer_id > 0",
    "no rows": "SELECT id, qty FROM orders WHERE qty > 1000",
    "CASE and BETWEEN": "SELECT id, CASE WHEN qty > 3 THEN 'many' ELSE 'few' END AS much FROM orders WHERE qty BETWEEN 1 AND 8",
}


@pytest.fixture
async def shop(world: World) -> World:
    await world.run(*SHOP)
    return world


@pytest.mark.parametrize("query", BY_ID.values(), ids=BY_ID.keys())
async def test_pages_together_are_the_query(shop: World, query: str) -> None:
    plain = query.split(";  -- end", maxsplit=1)[0]
    source = await shop.open(query)
    at = list(source.columns).index("id")
    whole = sorted(
        await shop.fetch(plain),
        key=lambda row: str(row[at]).zfill(9),
    )
    for span, page in ((1, 1), (3, 2), (2, 3), (5, 1000), (1000, 1), (1000, 4), (1000, 1000)):
        rows = await read_all(source, span, page)
        assert [row.values for row in rows] == whole
        assert [row.key for row in rows] == [str(row[at]) for row in whole]
    assert await sweep_all(source, 3) == [str(row[at]) for row in whole]
    found = await source.read_keys([str(row[at]) for row in whole] + ["424242"])
    assert {key: row.values for key, row in found.items()} == {str(row[at]): row for row in whole}


INSIDE = [
    "a whole table",
    "a join",
    "an outer join",
    "a star and a column",
    "an OR",
    "an order of its own",
    "comments and a semicolon",
    "signs in texts",
    "a GROUP BY with the key",
    "a GROUP BY another name",
    "a WITH",
    "subqueries",
    "a derived table",
    "backquotes",
]
AROUND = ["DISTINCT", "UNION ALL", "a window", "a LIMIT", "an expression as key"]


@pytest.mark.parametrize("name", INSIDE)
async def test_bounds_go_inside_where_that_means_the_same(shop: World, name: str) -> None:
    assert (await shop.open(BY_ID[name])).plan.rows.frame.is_inside


@pytest.mark.parametrize("name", AROUND)
async def test_bounds_go_around_where_inside_would_mean_something_else(shop: World, name: str) -> None:
    assert not (await shop.open(BY_ID[name])).plan.rows.frame.is_inside


@pytest.mark.parametrize(
    "query",
    [BY_ID["DISTINCT"], BY_ID["a window"], BY_ID["a WITH"], BY_ID["a GROUP BY another name"], BY_ID["a derived table"]],
)
async def test_keys_are_planned_from_their_own_table(shop: World, query: str) -> None:
    head = (await shop.open(query)).plan.walk.frame.head
    assert head.startswith("SELECT `id` FROM `orders`") or head.startswith("SELECT `order_id` FROM `items`")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("DELETE FROM orders", "begins with 'DELETE'"),
        ("SELECT id FROM orders; DROP TABLE orders", "several statements"),
        ("-- nothing", "is empty"),
        ("WITH a AS (SELECT 1) DELETE FROM orders", "single SELECT"),
        ("SELECT id FROM orders FOR UPDATE", "locks rows"),
        ("SELECT id, ? AS x FROM orders", "placeholder ?"),
        ("SELECT id, :x AS x FROM orders", "placeholder :x"),
        ("SELECT id FROM nowhere", "nowhere"),
        ("SELECT id, colour FROM orders", "colour"),
        ("SELECT o.id, c.id FROM orders o JOIN customers c ON c.id = o.customer_id", "id"),
        ("SELECT idd FROM (SELECT id AS idd FROM orders) t", "did you mean 'idd'"),
        ("SELECT 'unclosed FROM orders", "cannot be read"),
    ],
)
async def test_a_query_that_cannot_be_read_is_refused(shop: World, query: str, says: str) -> None:
    with pytest.raises(JobError, match=says.replace("?", r"\?")):
        await shop.open(query)


async def test_a_key_that_is_null_somewhere_is_refused(shop: World) -> None:
    with pytest.raises(JobError, match="customer_id is NULL in a row"):
        await shop.open("SELECT customer_id, MAX(qty) AS q FROM orders GROUP BY customer_id", "customer_id")


async def test_a_key_that_becomes_null_is_refused_by_the_sweep(shop: World) -> None:
    source = await shop.open(
        "SELECT customer_id, MAX(qty) AS q FROM orders WHERE id <> 5 GROUP BY customer_id", "customer_id"
    )
    assert await sweep_all(source, 2) == ["1", "2", "3"]
    await shop.run("INSERT INTO orders VALUES (99, NULL, 1, 'z')")
    with pytest.raises(JobError, match="customer_id is NULL"):
        await sweep_all(source, 2)
    with pytest.raises(JobError, match="customer_id is NULL"):
        await source.keys_in_query("3", 10)  # it arrived behind the first pages


async def test_a_query_in_parentheses_is_read(mariadb: World) -> None:
    await mariadb.run(*SHOP)
    assert [row.key for row in await mariadb.rows("(SELECT id, qty FROM orders WHERE qty > 7)")] == ["5", "30"]


async def test_null_keys_of_the_own_table_do_not_disturb_planning(shop: World) -> None:
    source = await shop.open("SELECT DISTINCT customer_id FROM orders WHERE customer_id IS NOT NULL", "customer_id")
    assert [row.key for row in await read_all(source, 1, 1)] == ["1", "2", "3"]


@pytest.mark.parametrize("page", [1, 2, 3, 1000])
async def test_a_key_shown_twice_is_refused_wherever_a_page_ends(shop: World, page: int) -> None:
    source = await shop.open("SELECT o.id, i.line FROM orders o JOIN items i ON i.order_id = o.id")
    with pytest.raises(JobError, match="id is not unique: the query shows 1 more than once"):
        await read_all(source, 1000, page)
    with pytest.raises(JobError, match="not unique"):
        await sweep_all(source, page)


async def test_rows_that_arrive_behind_the_cursor_are_found_by_the_sweep(shop: World) -> None:
    source = await shop.open(BY_ID["a join"])
    before = [row.key for row in await read_all(source, 4, 3)]
    await shop.run("INSERT INTO orders VALUES (6, 1, 1, 'late'), (7, NULL, 1, 'without a customer')")
    assert sorted(set(await sweep_all(source, 3)) - set(before)) == ["6"]


async def test_the_same_query_has_the_same_identity_and_another_table_another(shop: World) -> None:
    one, other = await shop.open(BY_ID["a join"]), await shop.open(BY_ID["an OR"])
    assert one.identity == other.identity
    assert one.identity != (await shop.open("SELECT id, email FROM customers")).identity
