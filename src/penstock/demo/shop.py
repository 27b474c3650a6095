"""The old shop: customers and orders, the same for the same seed, in SQLite, MariaDB/MySQL or PostgreSQL.

`python -m penstock.demo.shop --url sqlite:///shop.db --orders 5000` fills an empty database. Some orders are deleted softly, so
the keys of the query have gaps; names come from everywhere. There is no flag column yet: `penstock prepare` adds it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import TypeAlias

from pydantic import SecretStr
from sqlalchemy import TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from penstock.database.connect import Database, open_database
from penstock.database.faults import explain
from penstock.errors import JobError

Record: TypeAlias = Mapping[str, object]

ORDERS_PER_CUSTOMER = 5
_BATCH = 5_000
_DELETED_SHARE = 0.03
_OPENING = datetime(2019, 3, 1, 9, 0)  # noqa: DTZ001  old databases keep local time without saying whose
_GIVEN_NAMES = ("Amélie", "Björn", "Chidi", "Dörte", "Eoin", "Fatma", "Grażyna", "Hiroshi", "Ines", "Jörg", "静", "Zoë")
_FAMILY_NAMES = (
    "Åkesson",
    "Böhm",
    "Çelik",
    "D'Angelo",
    "Eze",
    "Fournier",
    "Gómez",
    "Hồ",
    "Ibsen",
    "Jónsdóttir",
    "李",
    "O'Brien",
)

_SQLITE_TABLES = (
    """CREATE TABLE customers (
        id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, email VARCHAR(200) NOT NULL)""",
    """CREATE TABLE orders (
        id INTEGER PRIMARY KEY, order_no VARCHAR(20) NOT NULL, customer_id INTEGER NOT NULL REFERENCES customers (id),
        total DECIMAL(10, 2) NOT NULL, created_at DATETIME NOT NULL, deleted TINYINT NOT NULL, updated_at TIMESTAMP NOT NULL)""",
)
_MYSQL_TABLES = (
    """CREATE TABLE customers (
        id INT UNSIGNED PRIMARY KEY, name VARCHAR(100) NOT NULL, email VARCHAR(200) NOT NULL)
        ENGINE = InnoDB DEFAULT CHARSET = utf8mb4""",
    # updated_at is what old shops have and what a careless marker of rows would spoil.
    """CREATE TABLE orders (
        id BIGINT UNSIGNED PRIMARY KEY, order_no VARCHAR(20) NOT NULL, customer_id INT UNSIGNED NOT NULL,
        total DECIMAL(10, 2) NOT NULL, created_at DATETIME NOT NULL, deleted TINYINT NOT NULL,
        updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
        KEY customer_id (customer_id)) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4""",
)
_POSTGRESQL_TABLES = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, email VARCHAR(200) NOT NULL)",
    """CREATE TABLE orders (
        id BIGINT PRIMARY KEY, order_no VARCHAR(20) NOT NULL, customer_id INTEGER NOT NULL REFERENCES customers (id),
        total NUMERIC(10, 2) NOT NULL, created_at TIMESTAMP NOT NULL, deleted SMALLINT NOT NULL,
        updated_at TIMESTAMP NOT NULL)""",
    "CREATE INDEX orders_customer_id ON orders (customer_id)",
)
_TABLES = {"sqlite": _SQLITE_TABLES, "postgresql": _POSTGRESQL_TABLES}
_INSERT_CUSTOMER = text("INSERT INTO customers (id, name, email) VALUES (:id, :name, :email)")
_INSERT_ORDER = text(
    "INSERT INTO orders (id, order_no, customer_id, total, created_at, deleted, updated_at)"
    " VALUES (:id, :order_no, :customer_id, :total, :created_at, :deleted, :updated_at)"
)
# PostgreSQL's driver takes text for nothing but text.
_INSERT_ORDER_TYPED = text(
    "INSERT INTO orders (id, order_no, customer_id, total, created_at, deleted, updated_at)"
    " VALUES (:id, :order_no, :customer_id, CAST(CAST(:total AS TEXT) AS NUMERIC), CAST(CAST(:created_at AS TEXT) AS TIMESTAMP),"
    " :deleted, CAST(CAST(:updated_at AS TEXT) AS TIMESTAMP))"
)


def make_customers(count: int, *, seed: int) -> Iterator[Record]:
    random = Random(f"customers {seed}")
    for number in range(1, count + 1):
        name = f"{random.choice(_GIVEN_NAMES)} {random.choice(_FAMILY_NAMES)}"
        yield {"id": number, "name": name, "email": f"Customer{number}@Example.com"}


def make_orders(count: int, *, customers: int, seed: int) -> Iterator[Record]:
    """`count` orders that are not deleted, and the deleted ones between them; by ascending id, the last one not deleted.

    Money and dates are text, as every kind of database takes them: none rounds them on the way in.
    """
    random = Random(f"orders {seed}")
    created_at, number, living = _OPENING, 0, 0
    while living < count:
        number += 1
        created_at += timedelta(seconds=random.randrange(1, 60))
        deleted = random.random() < _DELETED_SHARE
        living += not deleted
        cents = random.randrange(199, 250_000)
        yield {
            "id": number,
            "order_no": f"A-{number:07d}",
            "customer_id": random.randrange(1, customers + 1),
            "total": f"{cents // 100}.{cents % 100:02d}",
            "created_at": str(created_at),
            "deleted": int(deleted),
            "updated_at": str(created_at),
        }


async def fill_shop(url: SecretStr, *, orders: int, seed: int, folder: str = ".") -> None:
    """Make the tables and fill them. `orders`: those that are not deleted. folder: where a relative SQLite path starts.

    Raises what the driver raises if the tables are there already.
    """
    customers = max(1, orders // ORDERS_PER_CUSTOMER)
    database = open_database(url, folder=folder, create=True)
    try:
        async with database.writing() as connection:
            for statement in _TABLES.get(database.kind, _MYSQL_TABLES):
                await connection.execute(text(statement))
        await _insert(database, _INSERT_CUSTOMER, make_customers(customers, seed=seed))
        insert = _INSERT_ORDER_TYPED if database.kind == "postgresql" else _INSERT_ORDER
        await _insert(database, insert, make_orders(orders, customers=customers, seed=seed))
    finally:
        await database.aclose()


async def _insert(database: Database, statement: TextClause, records: Iterable[Record]) -> None:
    remaining = iter(records)
    while batch := list(islice(remaining, _BATCH)):
        async with database.writing() as connection:
            await connection.execute(statement, batch)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m penstock.demo.shop", description=__doc__)
    parser.add_argument(
        "--url", required=True, help="an empty database: sqlite:///shop.db, mysql://user@host/name, postgresql://..."
    )
    parser.add_argument("--orders", type=int, default=5_000, help="how many, the deleted ones not counted")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another shop")
    options = parser.parse_args()
    try:
        asyncio.run(fill_shop(SecretStr(options.url), orders=options.orders, seed=options.seed))
    except (JobError, SQLAlchemyError) as error:
        sys.stderr.write(f"there is no new shop: {explain(error)}; give an empty database that may be written\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
