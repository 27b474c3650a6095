"""Fills an empty MySQL or MariaDB database with the old shop: the same for the same seed, at any size.

python -m examples.shop.fill --url mysql://user:password@host/name --customers 100000 --orders 300000 --seed 7
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from examples.shop.old import tables
from examples.shop.old.goods import make_products, prices
from examples.shop.old.people import make_customers
from examples.shop.old.sales import make_sales
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

T = TypeVar("T")

_BATCH = 5_000
_ORDERS_PER_PRODUCT = 60


async def fill(url: str, *, customers: int, orders: int, seed: int, keep: bool = False) -> None:
    """customers, orders: those that are not deleted; the deleted ones come on top. keep: leave a database with tables as it is;
    else raises SQLAlchemyError if they exist."""
    engine = create_async_engine(make_url(url).set(drivername="mysql+asyncmy"), isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            if keep and (await connection.exec_driver_sql("SHOW TABLES")).first():
                return
            # Old servers took zero dates, and nobody waited for the disk while the shop was filled.
            await connection.exec_driver_sql("SET SESSION sql_mode = '', unique_checks = 0, foreign_key_checks = 0")
            for table in tables.TABLES:
                await connection.exec_driver_sql(table)
            products = max(10, orders // _ORDERS_PER_PRODUCT)
            for batch in _batches(make_products(products, seed=seed)):
                await _insert(connection, tables.INSERT_PRODUCTS, batch)
            last = await _fill_customers(connection, customers, seed=seed)
            for sales in _batches(make_sales(orders, customers=last, prices=prices(products, seed=seed), seed=seed)):
                await _insert(connection, tables.INSERT_ORDERS, [sale.order for sale in sales])
                await _insert(connection, tables.INSERT_ITEMS, chain.from_iterable(sale.items for sale in sales))
                await _insert(connection, tables.INSERT_PAYMENTS, chain.from_iterable(sale.payments for sale in sales))
            # What a database that has been in use for years knows already.
            await connection.exec_driver_sql(
                "ANALYZE TABLE customers, addresses, products, orders, order_items, payments"
            )
    finally:
        await engine.dispose()


async def _fill_customers(connection: AsyncConnection, count: int, *, seed: int) -> int:
    """Returns the highest id."""
    last = 0
    for batch in _batches(make_customers(count, seed=seed)):
        last += len(batch)
        await _insert(connection, tables.INSERT_CUSTOMERS, [each.customer for each in batch])
        await _insert(connection, tables.INSERT_ADDRESSES, chain.from_iterable(each.addresses for each in batch))
    return last


async def _insert(connection: AsyncConnection, statement: str, records: Iterable[tuple[Any, ...]]) -> None:
    if rows := list(records):
        await connection.exec_driver_sql(statement, rows)


def _batches(things: Iterable[T]) -> Iterator[Sequence[T]]:
    remaining = iter(things)
    while batch := list(islice(remaining, _BATCH)):
        yield batch


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.shop.fill", description=__doc__)
    parser.add_argument("--url", required=True, help="an empty database: mysql://user:password@host/name")
    parser.add_argument("--customers", type=int, default=100_000, help="how many, the deleted ones not counted")
    parser.add_argument("--orders", type=int, default=300_000, help="the same of orders")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another shop")
    parser.add_argument("--keep", action="store_true", help="leave a database that has tables as it is")
    options = vars(parser.parse_args())
    try:
        asyncio.run(fill(options.pop("url"), **options))
    except SQLAlchemyError as error:
        print(f"there is no old shop: {error}; give an empty database that may be written", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
