"""Where a condition may be put, decided on the text alone."""

from __future__ import annotations

import pytest

from penstock.source.dialect import MYSQL
from penstock.source.frame import Frame, KeyPlace, inside, keys_inside
from penstock.source.origin import named_by
from penstock.source.statement import parse_statement


def cut(query: str, key: str = "id", *, keys_alone: bool = False) -> Frame | None:
    statement = parse_statement(query, MYSQL)
    path = named_by(statement.tree, key)
    place = KeyPlace(key, MYSQL.quote_path(*path) if path else None)
    return (keys_inside if keys_alone else inside)(statement, [place], MYSQL)


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("query", "becomes"),
    [
        ("SELECT id FROM t", "SELECT id FROM t WHERE (B) ORDER BY `id` LIMIT 9"),
        ("SELECT id FROM t WHERE a OR b;", "SELECT id FROM t WHERE ( a OR b ) AND (B) ORDER BY `id` LIMIT 9"),
        (
            "SELECT t.id AS k, COUNT(*) FROM t WHERE a GROUP BY t.id HAVING COUNT(*) > 1 ORDER BY 2",
            "SELECT t.id AS k, COUNT(*) FROM t WHERE ( a ) AND (B) GROUP BY t.id HAVING COUNT(*) > 1 ORDER BY `t`.`id` LIMIT 9",
        ),
        ("SELECT IFNULL(a, '%') x, id FROM t", "SELECT IFNULL(a, '%%') x, id FROM t WHERE (B) ORDER BY `id` LIMIT 9"),
    ],
)
def test_the_users_text_stays_as_it_is(query: str, becomes: str) -> None:
    frame = cut(query, "k" if " AS k" in query else "id")
    assert frame is not None
    assert one_line(frame.select("B", 9)) == becomes


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM t USE INDEX FOR ORDER BY (i)",  # two words that look like a clause
        "SELECT id FROM t WHERE a = 1 /*! AND b = 2 */",  # which MySQL runs and sqlglot passes over
        "SELECT id FROM t /*M! WHERE a = 1 */",
        "SELECT id, a FROM t GROUP BY id WITH ROLLUP",
        "SELECT id, @n := @n + 1 AS n FROM t",
        "SELECT id, COUNT(*) AS n FROM t",
        "SELECT id, a FROM t HAVING a > 1",
        "SELECT 1 AS id",
    ],
)
def test_nothing_is_cut_open_where_it_might_mean_something_else(query: str) -> None:
    assert cut(query) is None


@pytest.mark.parametrize(
    ("query", "becomes"),
    [
        ("SELECT o.*, c.email FROM o JOIN c ON c.o = o.id", "SELECT `o`.`id` FROM o JOIN c ON c.o = o.id WHERE (B)"),
        ("SELECT a AS b, id FROM t WHERE a", "SELECT `id` FROM t WHERE ( a ) AND (B)"),
        (
            "WITH p AS (SELECT id FROM t) SELECT p.id FROM p",
            "WITH p AS (SELECT id FROM t) SELECT `p`.`id` FROM p WHERE (B)",
        ),
    ],
)
def test_keys_alone_take_the_place_of_the_select_list(query: str, becomes: str) -> None:
    frame = cut(query, keys_alone=True)
    assert frame is not None
    assert one_line(frame.where("B")) == becomes


@pytest.mark.parametrize("query", ["SELECT COUNT(*) AS n, id FROM t GROUP BY id", "SELECT HIGH_PRIORITY id FROM t"])
def test_a_select_list_that_matters_stays(query: str) -> None:
    assert cut(query, keys_alone=True) is None


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("SELECT 1 ; -- done", "SELECT 1"),
        ("SELECT 1 -- done", "SELECT 1"),
        ("SELECT a FROM t /*! WHERE b */ ; -- done", "SELECT a FROM t /*! WHERE b */  -- done"),
        ("SELECT a FROM t /*! WHERE b */", "SELECT a FROM t /*! WHERE b */"),
    ],
)
def test_only_what_nobody_runs_is_left_out(query: str, text: str) -> None:
    assert parse_statement(query, MYSQL).text == text
