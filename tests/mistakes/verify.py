"""Mistakes in `verify:`, and a new store that cannot be looked into."""

from __future__ import annotations

from tests.mistakes.mistake import DELIVERED, PREPARED, Mistake, Step, add, sql

_VERIFY = ("verify orders.yaml",)


def _part(url: str = "sqlite:///shop.db", rest: str = "") -> Step:
    """A `verify:` part at the end of the job file."""
    return add(f"verify:\n  url: {url}\n  key: external_id\n{rest}")


_QUERY = "  query: SELECT external_id, total FROM new_orders\n"
_STORE = sql("CREATE TABLE new_orders (external_id INTEGER PRIMARY KEY, total DECIMAL(10,2), sent DATETIME)")

# More rows than may be missing before --fix asks.
_MANY = (
    sql(
        "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 250) "
        "INSERT INTO orders SELECT i, 'B-' || i, i, NULL FROM n"
    ),
)

TITLE = "Verify"

MISTAKES = (
    Mistake(
        "verify before prepare",
        (_part(rest=_QUERY),),
        "<folder>/shop.db holds no ledger, or not all of it (no such table: penstock_schema): run `penstock prepare orders.yaml`",
        _VERIFY,
    ),
    Mistake(
        "a store without its question",
        (_part(),),
        "orders.yaml:14: verify.query: is missing; a store of this kind is asked by query:",
        _VERIFY,
    ),
    Mistake(
        "a collection of a store that speaks SQL",
        (_part(rest=_QUERY + "  collection: orders\n"),),
        "verify.collection: 'orders' does not go with a store of this kind; use query: instead",
        _VERIFY,
    ),
    Mistake(
        "one computed key for a key of two columns",
        (add('verify:\n  url: sqlite:///shop.db\n  key: [a, b]\n  source_key: "{{ id }}"\n' + _QUERY),),
        "verify.source_key: '{{ id }}' yields one value, and key names several; name one column in key",
        _VERIFY,
    ),
    Mistake(
        "a store that is not there",
        (PREPARED, _part("sqlite:///new.db", _QUERY)),
        "there is no file <folder>/new.db; correct verify.query or verify.url",
        _VERIFY,
    ),
    Mistake(
        "a store that nobody answers for",
        (PREPARED, _part("mysql://reader:${API_TOKEN}@127.0.0.1:1/shop", _QUERY)),
        "looking at the query from 127.0.0.1:1/shop: Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection "
        "refused); if it stays so, look at verify.url",
        _VERIFY,
        code=3,
    ),
    Mistake(
        "a table of the store that is not there",
        (PREPARED, _part(rest=_QUERY)),
        "looking at the query from <folder>/shop.db: no such table: new_orders; correct verify.query or verify.url",
        _VERIFY,
    ),
    Mistake(
        "a key that the store's query lacks",
        (_STORE, PREPARED, _part(rest=_QUERY.replace("external_id", "external_id AS externalid"))),
        "verify.key: verify.query has no column 'external_id'; did you mean 'externalid'?",
        _VERIFY,
    ),
    Mistake(
        "a compared column that the store's query lacks",
        (_STORE, PREPARED, _part(rest=_QUERY + '  compare: {totl: "{{ total }}"}\n')),
        "verify.compare: verify.query has no column 'totl'; did you mean 'total'?",
        _VERIFY,
    ),
    Mistake(
        "a compared column that the source lacks",
        (_STORE, PREPARED, _part(rest=_QUERY + '  compare: {total: "{{ totl }}"}\n')),
        "verify.compare.total: no name 'totl'; did you mean 'total'?",
        _VERIFY,
    ),
    Mistake(
        "several statements",
        (_STORE, PREPARED, _part(rest="  query: SELECT 1 AS external_id; DROP TABLE new_orders\n")),
        "verify.query holds several statements; write a single SELECT",
        _VERIFY,
    ),
    Mistake(
        "date-times without a zone",
        (_STORE, PREPARED, _part(rest=_QUERY.replace("total", "sent") + '  compare: {sent: "{{ total }}"}\n')),
        "verify.timezone is missing: 'sent' hold date-times without a zone; write timezone: UTC, or whatever zone the new store "
        "means",
        _VERIFY,
    ),
    Mistake(
        "a floating-point key",
        (
            sql("CREATE TABLE new_orders (external_id DOUBLE, total INTEGER)"),
            PREPARED,
            _part(rest=_QUERY),
        ),
        "verify.key: 'external_id' is double, by which no record is found for certain; choose another column, or CAST it in "
        "verify.query",
        _VERIFY,
    ),
    Mistake(
        "nothing to adopt from",
        (PREPARED,),
        "--adopt looks into the new store, and the job file does not say where that is: add verify:",
        ("verify orders.yaml --adopt",),
    ),
    Mistake(
        "--yes without --fix",
        (PREPARED,),
        "--yes says how --fix goes about its work; it does nothing by itself",
        ("verify orders.yaml --yes",),
    ),
    Mistake(
        "a sample that is no share",
        (PREPARED,),
        "'500' is no share of the rows; write one like 5%",
        ("verify orders.yaml --sample 500",),
    ),
    Mistake(
        "a time that is none",
        (PREPARED,),
        "'yesterday' is no duration like 2h and no moment like 2026-11-30T22:00",
        ("verify orders.yaml --since yesterday",),
    ),
    Mistake(
        "--fix with another store than the one that was filled",
        (_STORE, *_MANY, PREPARED, DELIVERED, _part(rest=_QUERY)),
        "imported rows are missing in the new store, and --fix would send all of them again. Nothing was changed",
        ("verify orders.yaml --fix",),
    ),
)
