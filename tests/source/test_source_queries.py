"""Whatever the shape of the query: pages of any size together are the rows of the query run at once."""

from __future__ import annotations

import pytest
from tests.source.shop import AROUND, INSIDE, SHOP
from tests.source.worlds import World, read_all, sweep_all

from penstock.errors import JobError


@pytest.fixture
async def shop(world: World) -> World:
    await world.run(*SHOP)
    return world


@pytest.mark.parametrize("query", [*INSIDE.values(), *AROUND.values()], ids=[*INSIDE, *AROUND])
async def test_pages_together_are_the_query(shop: World, query: str) -> None:
    plain = shop.quoted(query.split(";  -- end", maxsplit=1)[0])
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


@pytest.mark.parametrize("query", INSIDE.values(), ids=INSIDE)
async def test_bounds_go_inside_where_that_means_the_same(shop: World, query: str) -> None:
    assert (await shop.open(query)).plan.rows.frame.is_inside


@pytest.mark.parametrize("query", AROUND.values(), ids=AROUND)
async def test_bounds_go_around_where_inside_would_mean_something_else(shop: World, query: str) -> None:
    assert not (await shop.open(query)).plan.rows.frame.is_inside


@pytest.mark.parametrize(
    "query",
    [
        AROUND["DISTINCT"],
        AROUND["a window"],
        INSIDE["a WITH"],
        INSIDE["a GROUP BY another name"],
        INSIDE["a derived table"],
    ],
)
async def test_keys_are_planned_from_their_own_table(shop: World, query: str) -> None:
    head = (await shop.open(query)).plan.walk.frame.head
    assert head.startswith((shop.quoted("SELECT `id` FROM `orders`"), shop.quoted("SELECT `order_id` FROM `items`")))


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


@pytest.mark.parametrize(
    "query",
    [
        "SELECT c.id, o.qty FROM orders o LEFT JOIN customers c ON c.id = o.customer_id AND o.id IN (1, 3, 4)",
        "SELECT c.id, o.qty FROM customers c RIGHT JOIN orders o ON c.id = o.customer_id AND o.id IN (1, 3, 4)",
        "SELECT c.id, o.qty FROM orders o LEFT JOIN (customers c JOIN items i ON c.id = 9) ON c.id = o.id",
        "SELECT id, qty FROM (SELECT c.id, o.qty FROM orders o LEFT JOIN customers c ON c.id = o.id) t",
        "WITH t AS (SELECT c.id, o.qty FROM orders o LEFT JOIN customers c ON c.id = o.id) SELECT * FROM t",
        "SELECT t.id, o.qty FROM orders o LEFT JOIN (SELECT id FROM customers) t ON t.id = o.id",
    ],
    ids=["LEFT", "RIGHT", "LEFT of a join", "in a derived table", "in a WITH", "of a derived table"],
)
async def test_a_key_that_an_outer_join_makes_null_is_refused(shop: World, query: str) -> None:
    with pytest.raises(JobError, match="id is NULL in a row"):
        await shop.open(query)


@pytest.mark.parametrize("together", ["ROLLUP (id)", "CUBE (id)", "GROUPING SETS ((id), ())"])
async def test_a_key_that_a_sum_over_all_groups_makes_null_is_refused(postgresql: World, together: str) -> None:
    await postgresql.run(*SHOP)
    with pytest.raises(JobError, match="id is NULL in a row"):
        await postgresql.open(f"SELECT id, SUM(qty) AS q FROM orders GROUP BY {together}")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT o.id, c.email FROM orders o LEFT JOIN customers c ON c.id = o.customer_id",
        "SELECT o.id, c.email FROM customers c RIGHT JOIN orders o ON c.id = o.customer_id",
        "SELECT o.id FROM orders o JOIN (SELECT c.id FROM customers c LEFT JOIN items i ON i.order_id = c.id) t ON t.id = o.id",
        "SELECT o.id FROM orders o JOIN (SELECT i.line FROM customers c RIGHT JOIN items i ON i.line = c.id) t ON t.line = o.id",
    ],
    ids=["before LEFT", "behind RIGHT", "beside LEFT", "beside RIGHT"],
)
async def test_a_key_on_the_whole_side_of_an_outer_join_is_never_looked_for_null(shop: World, query: str) -> None:
    assert not (await shop.open(query)).plan.may_lack_key


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
    source = await shop.open(INSIDE["a join"])
    before = [row.key for row in await read_all(source, 4, 3)]
    await shop.run("INSERT INTO orders VALUES (6, 1, 1, 'late'), (7, NULL, 1, 'without a customer')")
    assert sorted(set(await sweep_all(source, 3)) - set(before)) == ["6"]


async def test_the_same_query_has_the_same_identity_and_another_table_another(shop: World) -> None:
    one, other = await shop.open(INSIDE["a join"]), await shop.open(INSIDE["an OR"])
    assert one.identity == other.identity
    assert one.identity != (await shop.open("SELECT id, email FROM customers")).identity


async def test_a_condition_in_a_comment_that_runs_is_kept(mariadb: World) -> None:
    await mariadb.run(*SHOP)
    rows = await mariadb.rows("SELECT id FROM orders /*! WHERE qty > 7 */;")
    assert [row.key for row in rows] == ["5", "30"]
