"""The orders of the old shop with their items and payments, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from examples.shop.old.goods import Record, money

_OPENING = datetime(2017, 1, 2, 8, 0)  # noqa: DTZ001  old databases keep local time without saying whose
_DELETED_SHARE = 0.04
_NOTES = (
    "bitte nach 18 Uhr liefern",
    "¡muchas gracias! 🎉",
    "ring twice\nthen wait",
    "It's a gift: no invoice",
    "请快一点 🙏🏽",
)
_METHODS = ("card", "invoice", "paypal", "cash")
_NEVER = "0000-00-00 00:00:00"


class Sale(NamedTuple):
    """An order with its items and payments, each as the INSERT of its table takes it."""

    deleted: bool
    order: Record
    items: list[Record]
    payments: list[Record]


def make_sales(count: int, *, customers: int, prices: Sequence[int], seed: int) -> Iterator[Sale]:
    """`count` orders that are not deleted, and the deleted ones between them. customers: the highest id there is."""
    random = Random(f"orders {seed}")
    placed_at, number, living, payment = _OPENING, 0, 0, 0
    while living < count:
        number += 1
        placed_at += timedelta(seconds=1 + int(random.random() * 600))
        deleted = random.random() < _DELETED_SHARE
        living += not deleted
        items, goods = _items(random, number, prices)
        shipping = 0 if goods > 20_000 else 499
        status = random.choice(("open", "paid", "paid", "shipped", "shipped", "shipped", "cancelled"))
        payments = _payments(random, number, status, goods + shipping, placed_at, last=payment)
        payment += len(payments)
        order = (
            number,
            f"A-{number:08d}",
            1 + int(random.random() * customers),
            status,
            "CHF" if random.random() < 0.1 else "EUR",
            money(shipping),
            money(goods + shipping),
            random.choice(_NOTES) if random.random() < 0.1 else None,
            str(placed_at),
            str(placed_at + timedelta(hours=1 + int(random.random() * 90))) if status == "shipped" else _NEVER,
            int(deleted),
            str(placed_at),
        )
        yield Sale(deleted, order, items, payments)


def _items(random: Random, order: int, prices: Sequence[int]) -> tuple[list[Record], int]:
    """The items, and what they cost together, in cents."""
    items: list[Record] = []
    goods = 0
    for line in range(1, 1 + random.choice((1, 1, 2, 2, 3, 5))):
        product = int(random.random() * len(prices))
        quantity = 1 + int(random.random() * random.random() * 6)
        goods += quantity * prices[product]
        items.append((order, line, product + 1, quantity, money(prices[product])))
    return items, goods


def _payments(random: Random, order: int, status: str, cents: int, placed_at: datetime, *, last: int) -> list[Record]:
    """None of an open order, two of some, and money back of a cancelled one."""
    if status == "open":
        return []
    parts = [cents] if random.random() < 0.95 else [cents // 2, cents - cents // 2]
    if status == "cancelled":
        parts.append(-cents)
    method = random.choice(_METHODS)
    reference = None if random.random() < 0.5 else f"für Bestellung {order}, {money(cents)} €"
    return [
        (last + place, order, method, money(part), str(placed_at + timedelta(days=place)), reference)
        for place, part in enumerate(parts, start=1)
    ]
