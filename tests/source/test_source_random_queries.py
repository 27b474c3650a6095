"""Queries put together at random from clauses, comments and spacing: pages are always the query's rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.source.shop import SHOP

from penstock.rows import Key
from penstock.source.dialect import SQLITE
from penstock.source.frame import KeyPlace, around, inside
from penstock.source.keyset import between
from penstock.source.origin import named_by
from penstock.source.statement import parse_statement

GAP = st.sampled_from([" ", "\n", "  ", " /* ) WHERE ( */ ", " -- ORDER BY x\n", "\t"])
SELECTED = st.sampled_from(["o.id", "o.id AS id", "`o`.`id`", "o.*"])
FURTHER = st.sampled_from(
    ["", ", o.qty + 1 AS more", ", c.email", ", 'WHERE ?' AS w", ", (SELECT MAX(line) FROM items) AS m"]
)
JOINED = st.sampled_from(
    ["JOIN customers c ON c.id = o.customer_id", "LEFT JOIN customers c ON c.id = o.customer_id AND c.id > 1"]
)
CONDITION = st.sampled_from(
    [
        "",
        "WHERE o.qty > 2",
        "WHERE o.qty > 6 OR o.note = 'a'",
        "WHERE NOT o.qty > 6 AND (o.id < 9 OR o.id > 30)",
        "WHERE EXISTS (SELECT 1 FROM items i WHERE i.order_id = o.id)",
        "WHERE o.qty BETWEEN 1 AND 5",
        "WHERE CASE WHEN o.qty > 3 THEN 1 ELSE 0 END",
    ]
)
GROUPED = st.sampled_from(["", "GROUP BY o.id", "GROUP BY o.id HAVING COUNT(*) > 0"])
ORDERED = st.sampled_from(["", "ORDER BY o.qty DESC, o.id", "ORDER BY 1 DESC", "ORDER BY o.id LIMIT 4", "LIMIT 0"])
CLOSED = st.sampled_from(["", ";", " -- the end", "; -- the end", "\n/* the end */"])


@given(
    gaps=st.lists(GAP, min_size=7, max_size=7),
    parts=st.tuples(SELECTED, FURTHER, JOINED, CONDITION, GROUPED, ORDERED),
    closed=CLOSED,
    page=st.integers(1, 5),
)
@settings(max_examples=150, deadline=None)
def test_pages_together_are_the_query(gaps: list[str], parts: tuple[str, ...], closed: str, page: int) -> None:
    selected, further, joined, condition, grouped, ordered = parts
    words = ["SELECT", selected + further, "FROM", "orders o", joined, condition, grouped, ordered]
    query = "".join(word + gap for word, gap in zip(words, [*gaps, ""], strict=True) if word) + closed
    with closing(sqlite3.connect(":memory:")) as database:
        for made in SHOP:
            database.execute(made)
        whole = sorted(database.execute(query).fetchall())
        statement = parse_statement(query, SQLITE)
        path = named_by(statement.tree, "id")
        place = KeyPlace("id", SQLITE.quote_path(*path) if path else None)
        cut_open = inside(statement, [place], SQLITE)
        assert (cut_open is None) == ("LIMIT" in ordered)
        for frame in (around(statement, [place], SQLITE), cut_open):
            if frame is None:
                continue
            rows: list[tuple[object, ...]] = []
            after: Key | None = None
            while True:
                bounds = between(SQLITE, frame.keys, after, None)
                found = database.execute(frame.select(bounds.text, page), bounds.values).fetchall()
                rows += found
                if len(found) < page:
                    break
                after = (found[-1][0],)
            assert rows == whole
