"""The old shop: filled once, then copied for each run, so that every peer finds the same new tables."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from pydantic import SecretStr

from benchmarks.database import Server
from penstock.demo.shop import fill_shop

# As `penstock prepare` would add it; nothing of the peers stands in the way of one another, so no index on it.
_FLAG = "ALTER TABLE orders ADD COLUMN is_import TINYINT NOT NULL DEFAULT 0"
_LIVING_BEFORE = "SELECT id FROM orders WHERE deleted = 0 ORDER BY id LIMIT 1 OFFSET {rows}"
_COPY = "INSERT INTO {table} SELECT * FROM {template}.{table}"
_MULTIPLY = (
    "INSERT INTO orders (id, order_no, customer_id, total, created_at, deleted, updated_at, is_import)"
    " SELECT id + {shift}, CONCAT('A-', LPAD(id + {shift}, 8, '0')), customer_id, total, created_at, deleted, updated_at, 0"
    " FROM {template}.orders"
)


class Shop:
    """A database of `rows` orders that the query shows, and some deleted ones between them."""

    def __init__(self, server: Server, database: str, rows: int) -> None:
        self.server = server
        self.database = database
        self.rows = rows

    def url(self) -> str:
        return self.server.of(self.database).render_as_string(hide_password=False)

    def flagged(self) -> int:
        return int(self.server.ask("SELECT COUNT(*) FROM orders WHERE is_import = 1", database=self.database))


@contextmanager
def template_shop(server: Server, rows: int) -> Iterator[Shop]:
    with _new_database(server) as database:
        shop = Shop(server, database, rows)
        asyncio.run(fill_shop(SecretStr(shop.url()), orders=rows, seed=1))
        server.execute(_FLAG, database=database)
        yield shop


@contextmanager
def copied(template: Shop, rows: int) -> Iterator[Shop]:
    """The first `rows` orders of the template, in a database that is gone afterwards."""
    server = template.server
    with _new_database(server) as database:
        orders = _COPY.format(table="orders", template=template.database)
        if rows < template.rows:
            orders += f" WHERE id < {server.ask(_LIVING_BEFORE.format(rows=rows), database=template.database)}"
        server.execute(
            *_empty_tables(template),
            _COPY.format(table="customers", template=template.database),
            orders,
            "ANALYZE TABLE orders, customers",
            database=database,
        )
        yield Shop(server, database, rows)


@contextmanager
def multiplied(template: Shop, times: int) -> Iterator[Shop]:
    """The orders of the template again and again, with ever higher keys, in a database that is gone afterwards."""
    server = template.server
    with _new_database(server) as database:
        highest = int(server.ask("SELECT MAX(id) FROM orders", database=template.database))
        server.execute(
            *_empty_tables(template), _COPY.format(table="customers", template=template.database), database=database
        )
        for time in range(times):
            server.execute(_MULTIPLY.format(shift=time * highest, template=template.database), database=database)
        server.execute("ANALYZE TABLE orders", database=database)
        yield Shop(server, database, template.rows * times)


def _empty_tables(template: Shop) -> list[str]:
    return [f"CREATE TABLE {table} LIKE {template.database}.{table}" for table in ("customers", "orders")]


@contextmanager
def _new_database(server: Server) -> Iterator[str]:
    name = f"penstock_bench_{uuid4().hex[:8]}"
    server.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield name
    finally:
        server.execute(f"DROP DATABASE {name}")
