"""The products of the old shop, the same for the same seed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import TypeAlias

Record: TypeAlias = tuple[object, ...]

_THINGS = ("Teekanne", "Lampe", "Sofá", "Chaise", "花瓶", "Bücherregal", "Mug ☕", 'Schraube 1/2"')


def prices(count: int, *, seed: int) -> list[int]:
    """In cents, of product 1 and so on."""
    random = Random(f"prices {seed}")
    return [random.randrange(99, 50_000) for _ in range(count)]


def make_products(count: int, *, seed: int) -> Iterator[Record]:
    random = Random(f"products {seed}")
    for number, cents in enumerate(prices(count, seed=seed), start=1):
        weight = None if random.random() < 0.2 else f"{random.randrange(1, 40_000) / 1000:.3f}"
        attributes = None
        if random.random() < 0.7:
            attributes = json.dumps(
                {"colour": random.choice(("rot", "grün", "白")), "size": random.randrange(1, 90) / 2}
            )
        sold_until = "0000-00-00" if random.random() < 0.9 else f"2021-{random.randrange(1, 13):02d}-28"
        name = f"{random.choice(_THINGS)} {number}"
        yield (number, f"SKU-{number:06d}", name, money(cents), weight, attributes, sold_until)


def money(cents: int) -> str:
    """As text, which every database takes without rounding."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"
