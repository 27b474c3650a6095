"""The old shop is the same everywhere for the same seed, and hides the traps that old shops have."""

from __future__ import annotations

from decimal import Decimal

from pydantic import SecretStr
from sqlalchemy import text

from penstock.database.connect import open_database
from penstock.demo.shop import fill_shop, make_customers, make_orders

JOINED = text(
    "SELECT o.id, o.order_no, o.total, o.created_at, o.updated_at, c.name, c.email"
    " FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.deleted = 0 ORDER BY o.id"
)


async def joined_rows(url: str) -> list[tuple[object, ...]]:
    database = open_database(SecretStr(url))
    try:
        async with database.reading() as connection:
            rows = await connection.execute(JOINED)
            return [
                (key, number, Decimal(str(total)).quantize(Decimal("0.01")), str(created), str(updated), name, email)
                for key, number, total, created, updated, name, email in rows
            ]
    finally:
        await database.aclose()


async def test_both_kinds_of_database_hold_the_same_shop(mariadb_url: str, sqlite_url: str) -> None:
    for url in (mariadb_url, sqlite_url):
        await fill_shop(SecretStr(url), orders=700, seed=3)
    rows = await joined_rows(sqlite_url)
    assert rows == await joined_rows(mariadb_url)
    assert len(rows) == 700


async def test_deleted_orders_leave_gaps_in_the_keys(sqlite_url: str) -> None:
    await fill_shop(SecretStr(sqlite_url), orders=500, seed=1)
    keys = [row[0] for row in await joined_rows(sqlite_url)]
    assert keys != list(range(1, 501))
    assert len(set(keys)) == 500


def test_the_seed_alone_decides_what_is_in_the_shop() -> None:
    shop = [*make_customers(20, seed=1), *make_orders(100, customers=20, seed=1)]
    assert shop == [*make_customers(20, seed=1), *make_orders(100, customers=20, seed=1)]
    assert shop != [*make_customers(20, seed=2), *make_orders(100, customers=20, seed=2)]


def test_names_need_more_than_ascii() -> None:
    names = [str(customer["name"]) for customer in make_customers(50, seed=1)]
    assert any(not name.isascii() for name in names)
    assert any("'" in name for name in names)
