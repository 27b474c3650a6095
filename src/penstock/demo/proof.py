"""Did every order arrive once, and as it was? Counted without penstock: what the API wrote down against what the shop holds."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias
from zoneinfo import ZoneInfo

Body: TypeAlias = Mapping[str, object]

_SHOP_TIME = ZoneInfo("Asia/Shanghai")
_CENT = Decimal("0.01")
_ORDERS = """
    SELECT o.order_no, o.total, o.created_at, c.name, c.email
    FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.deleted = 0"""


@dataclass(frozen=True, slots=True)
class Proof:
    """expected: orders in the shop; arrived: bodies that the API applied, whatever they are; flagged: rows of the shop with
    is_import = 1. The rest are order numbers. unknown: arrived, but not in the shop or deleted there."""

    expected: int
    arrived: int
    flagged: int
    missing: tuple[str, ...]
    doubled: tuple[str, ...]
    differing: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Every order arrived exactly once, unchanged, and is flagged; nothing else did."""
        findings = self.missing or self.doubled or self.differing or self.unknown
        return not findings and self.arrived == self.flagged == self.expected


def prove(*, shop: Path, record: Path) -> Proof:
    """shop: the SQLite file after the run. record: what `python -m penstock.demo.api --record` wrote."""
    with closing(sqlite3.connect(shop)) as connection:
        expected = {str(body["orderNo"]): body for body in _expected_bodies(connection)}
        [(flagged,)] = connection.execute("SELECT count(*) FROM orders WHERE is_import = 1")
    bodies = [json.loads(line, parse_float=Decimal) for line in record.read_bytes().splitlines()]
    return compare(expected, bodies, flagged=flagged)


def compare(expected: Mapping[str, Body], bodies: Iterable[Body], *, flagged: int) -> Proof:
    """expected: by order number, with money as DECIMAL of two places and moments as datetime."""
    arrived = [_canonical(body) for body in bodies]
    times = Counter(str(body["orderNo"]) for body in arrived)
    return Proof(
        expected=len(expected),
        arrived=len(arrived),
        flagged=flagged,
        missing=tuple(sorted(expected.keys() - times.keys())),
        doubled=tuple(sorted(order_no for order_no, count in times.items() if count > 1)),
        differing=tuple(
            sorted({no for body in arrived if (no := str(body["orderNo"])) in expected and body != expected[no]})
        ),
        unknown=tuple(sorted(times.keys() - expected.keys())),
    )


def _expected_bodies(connection: sqlite3.Connection) -> Iterator[Body]:
    for order_no, total, created_at, name, email in connection.execute(_ORDERS):
        yield {
            "orderNo": order_no,
            "total": Decimal(str(total)).quantize(_CENT),
            "buyer": {"name": name, "email": email.lower()},
            "createdAt": datetime.fromisoformat(created_at).replace(tzinfo=_SHOP_TIME),
        }


def _canonical(body: Body) -> Body:
    """Two bodies that mean the same become equal: 12.5 is 12.50, and a moment is the same in every zone."""
    return {
        **body,
        "total": Decimal(str(body["total"])),
        "createdAt": datetime.fromisoformat(str(body["createdAt"])),
    }
