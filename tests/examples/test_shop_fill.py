"""The old shop: the same for the same seed, of the size that was asked for, with all that a migration trips over."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal

import pytest
from examples.shop.fill import fill
from examples.shop.journey.servers import ask
from examples.shop.old.goods import make_products, money, prices
from examples.shop.old.people import make_customers
from examples.shop.old.sales import make_sales
from sqlalchemy.exc import SQLAlchemyError


def test_the_same_seed_makes_the_same_shop_and_another_one_another() -> None:
    of_seed = [
        (
            list(make_customers(50, seed=seed)),
            list(make_products(20, seed=seed)),
            list(make_sales(50, customers=50, prices=prices(20, seed=seed), seed=seed)),
        )
        for seed in (7, 7, 8)
    ]
    assert of_seed[0] == of_seed[1]
    assert all(one != other for one, other in zip(of_seed[0], of_seed[2], strict=True))


def test_deleted_rows_come_on_top() -> None:
    customers = list(make_customers(500, seed=1))
    sales = list(make_sales(500, customers=len(customers), prices=[100], seed=1))
    assert Counter(customer.deleted for customer in customers)[False] == 500
    assert Counter(sale.deleted for sale in sales)[False] == 500
    assert len(customers) > 500
    assert len(sales) > 500


def test_every_total_is_the_sum_of_its_parts() -> None:
    for sale in make_sales(300, customers=9, prices=[1, 99, 12_345], seed=3):
        shipping, total = Decimal(str(sale.order[5])), Decimal(str(sale.order[6]))
        assert total == shipping + sum(int(str(item[3])) * Decimal(str(item[4])) for item in sale.items)


def test_money_below_zero_keeps_its_sign() -> None:
    assert [money(cents) for cents in (0, 5, -5, 12_345, -100)] == ["0.00", "0.05", "-0.05", "123.45", "-1.00"]


async def test_the_shop_holds_what_ten_years_leave_behind(mariadb_url: str) -> None:
    await fill(mariadb_url, customers=100, orders=200, seed=7)
    for leftover in (
        "SELECT COUNT(*) FROM customers WHERE birthday = 0",
        "SELECT COUNT(*) FROM customers WHERE birthday IS NULL",
        "SELECT COUNT(*) FROM customers WHERE name LIKE '%%🐈%%'",
        "SELECT COUNT(*) FROM addresses WHERE HEX(street) LIKE '%%DF%%'",  # ß as latin1 has it
        "SELECT COUNT(*) FROM orders WHERE shipped_at = 0",
        "SELECT COUNT(*) FROM orders WHERE deleted = 1",
        "SELECT COUNT(*) FROM payments WHERE amount < 0",
        "SELECT COUNT(*) FROM payments WHERE HEX(reference) LIKE '%%80'",  # the euro sign, at the end
    ):
        [(rows,)] = await asyncio.to_thread(ask, mariadb_url, leftover)
        assert rows > 0, leftover


async def test_a_shop_that_is_there_is_kept_when_asked_and_refused_otherwise(mariadb_url: str) -> None:
    await fill(mariadb_url, customers=20, orders=20, seed=7)
    await fill(mariadb_url, customers=30, orders=30, seed=7, keep=True)
    [(customers,)] = await asyncio.to_thread(ask, mariadb_url, "SELECT COUNT(*) FROM customers WHERE deleted = 0")
    assert customers == 20
    with pytest.raises(SQLAlchemyError, match="already exists"):
        await fill(mariadb_url, customers=30, orders=30, seed=7)
