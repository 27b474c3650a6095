"""Mistakes in the query, the key and the flag, as each database tells them."""

from __future__ import annotations

from tests.mistakes.mistake import (
    CHECK_AND_RUN,
    DELIVERED,
    PREPARED,
    WITHOUT_FLAG,
    Mistake,
    edit,
    query,
    sql,
)

_CORRECT = "correct source.query or source.flag"
_NOT_THERE = "correct source.query, source.flag or source.url"
_SYNTAX = "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right"

TITLE = "Query, key and flag"

MISTAKES = (
    Mistake(
        "two statements",
        (query("SELECT id FROM orders; DELETE FROM orders"),),
        "source.query holds several statements; write a single SELECT",
    ),
    Mistake(
        "a statement that is no SELECT",
        (query("DELETE FROM orders"),),
        "source.query begins with 'DELETE'; write a single SELECT",
    ),
    Mistake(
        "a WITH that is no SELECT",
        (query("WITH old AS (SELECT 1) DELETE FROM orders"),),
        "source.query is a DELETE behind its WITH; write a single SELECT",
    ),
    Mistake(
        "a SELECT that locks",
        (query("SELECT id, order_no, total FROM orders FOR UPDATE"),),
        "source.query locks rows (FOR UPDATE); leave that out: penstock reads without locks",
    ),
    Mistake(
        "a placeholder",
        (query("SELECT id, order_no, total FROM orders WHERE total > :least"),),
        "source.query has the placeholder :least, and nothing to put there; write the value itself",
    ),
    Mistake(
        "a syntax error in the query",
        (query("SELECT id, order_no, total FORM orders"),),
        f'looking at the query from <folder>/shop.db: near "orders": syntax error; {_CORRECT}',
    ),
    Mistake(
        "a syntax error in the query",
        (query("SELECT id, order_no, total FORM orders"),),
        f"{_SYNTAX} syntax to use near 'orders ) AS penstock_q LIMIT 0' at line 2; {_CORRECT}",
        on="mariadb",
        do="What stands behind the error's place (`) AS penstock_q ...`) was put there by penstock, to read no row.",
    ),
    Mistake(
        "a table that is not there",
        (query("SELECT id, order_no, total FROM order_s"),),
        f"looking at the query from <folder>/shop.db: no such table: order_s; {_NOT_THERE}",
    ),
    Mistake(
        "a table that is not there",
        (query("SELECT id, order_no, total FROM order_s"),),
        f"looking at the query from <server>/<database>: Table '<database>.order_s' doesn't exist; {_NOT_THERE}",
        on="mariadb",
    ),
    Mistake(
        "a column that is not there",
        (query("SELECT id, orderno, total FROM orders"),),
        f"looking at the query from <folder>/shop.db: no such column: orderno; {_NOT_THERE}",
    ),
    Mistake(
        "a column that is not there",
        (query("SELECT id, orderno, total FROM orders"),),
        f"looking at the query from <server>/<database>: Unknown column 'orderno' in 'SELECT'; {_NOT_THERE}",
        on="mariadb",
    ),
    Mistake(
        "two columns of one name",
        (query("SELECT id, total AS number, order_no AS number FROM orders"),),
        "source.query has two columns named 'number'; give one of them another name with AS",
    ),
    Mistake(
        "the flag in the query's WHERE",
        (query("SELECT id, order_no, total FROM orders WHERE is_import = 0"),),
        "source.query asks for its own flag (is_import in a condition), so rows would leave the query as they are imported; "
        "leave that out: the ledger knows what is done, and source.flag.existing says what becomes of rows flagged before",
    ),
    Mistake(
        "a key that the query does not show",
        (PREPARED, query("SELECT order_no, total FROM orders")),
        "source.key: the query has no column 'id'; it has order_no, total",
        CHECK_AND_RUN,
    ),
    Mistake(
        "a key in other letters",
        (PREPARED, edit("key: id", "key: Order_No"), WITHOUT_FLAG),
        "source.key: the query has no column 'Order_No'; did you mean 'order_no'?",
        CHECK_AND_RUN,
    ),
    Mistake(
        "a key that may be NULL and is",
        (PREPARED, query("SELECT order_no, total, note FROM orders"), edit("key: id", "key: note"), WITHOUT_FLAG),
        "source.key note is NULL in a row of the query; leave such rows out (WHERE ... IS NOT NULL), or choose another key",
        CHECK_AND_RUN,
    ),
    Mistake(
        "a key that is not unique, seen by a scan",
        (sql("INSERT INTO orders VALUES (4, 'A-3', 5, NULL)"), edit("key: id", "key: order_no"), WITHOUT_FLAG),
        "key: not unique: more than one row has A-3; add columns to source.key, or GROUP BY it",
        ("check orders.yaml --deep",),
    ),
    Mistake(
        "a column that the query does not show, in an expression",
        (PREPARED, edit('"{{ order_no }}"', '"{{ orderno }}"')),
        "target.body.orderNo: no name 'orderno'; did you mean 'order_no'? there are: id, idempotency_key, order_no, row, total",
        CHECK_AND_RUN,
    ),
    Mistake(
        "a column without a name, in an expression",
        (PREPARED, query("SELECT id, order_no, total * 2 FROM orders")),
        "target.body.total: no name 'total'; did you mean 'total * 2'? there are: id, idempotency_key, order_no, row, total * 2",
        CHECK_AND_RUN,
        do="Give it one in the query: `total * 2 AS total`.",
    ),
    Mistake(
        "a flag in a table that is not there",
        (edit("flag: {table: orders}", "flag: {table: order_s}"),),
        "there is no table order_s; ",
        do="Correct `source.flag.table`.",
    ),
    Mistake(
        "a flag in a table that lacks the key",
        (
            sql("CREATE TABLE other (number INTEGER PRIMARY KEY)"),
            edit("flag: {table: orders}", "flag: {table: other, key: id}"),
        ),
        "id to find a row by; name the key's columns there: flag: {table: other, key: ...}",
        ("check orders.yaml", "prepare orders.yaml"),
    ),
    Mistake(
        "a flag in another table than the key's",
        (sql("CREATE TABLE other (id INTEGER PRIMARY KEY)"), edit("flag: {table: orders}", "flag: {table: other}")),
        "name the columns by which a row is found there: flag: {table: other, key: ...}",
        ("check orders.yaml", "prepare orders.yaml"),
    ),
    Mistake(
        "a flag in a column of text",
        (edit("flag: {table: orders}", "flag: {table: orders, column: note}"),),
        "orders.note is VARCHAR(20), which does not hold 0 and 1; name another column: source.flag.column",
    ),
    Mistake(
        "a flag in a column of data",
        (edit("flag: {table: orders}", "flag: {table: orders, column: total}"),),
        "source.flag: orders.total holds other values than 0 and 1 (one is 10), so it is no flag; name another column: "
        "source.flag.column",
    ),
    Mistake(
        "a flag in a generated column",
        (
            sql("ALTER TABLE orders ADD COLUMN done INTEGER AS (total > 0)"),
            edit("flag: {table: orders}", "flag: {table: orders, column: done}"),
        ),
        "orders.done is a generated column, which the database alone sets; name another column",
    ),
    Mistake(
        "a flag in a view",
        (
            sql("CREATE VIEW open_orders AS SELECT * FROM orders"),
            edit("flag: {table: orders}", "flag: {table: open_orders, key: id}"),
        ),
        "name the unique columns: source.flag.key, add such an index, or name the table where this is a view",
        ("check orders.yaml", "prepare orders.yaml"),
    ),
    Mistake(
        "a flag in a materialized view",
        (
            sql(
                "CREATE MATERIALIZED VIEW old_orders AS SELECT id, 0 AS is_import FROM orders",
                "CREATE UNIQUE INDEX old_orders_by_id ON old_orders (id)",
            ),
            edit("flag: {table: orders}", "flag: {table: old_orders, key: id}"),
        ),
        'cannot change materialized view "old_orders"',
        CHECK_AND_RUN,
        on="postgresql",
        do="Name the table behind it.",
    ),
    Mistake(
        "a receipt that would overwrite the key",
        (edit("flag: {table: orders}", "flag: {table: orders, set: {id: '{{ receipt }}'}}"),),
        "source.flag.set: orders.id is the flag or names the row that is flagged; leave it out",
        ("check orders.yaml", "prepare orders.yaml"),
    ),
    Mistake(
        "a flag column that somebody dropped",
        (PREPARED, DELIVERED, sql("ALTER TABLE orders DROP COLUMN is_import")),
        "the table orders has no column 'is_import'; run `penstock prepare orders.yaml`",
        ("run orders.yaml",),
    ),
)
