"""What the bundled API knows: its orders, which Idempotency-Key made each, and what makes an order acceptable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

_FIELDS = frozenset({"orderNo", "total", "buyer", "createdAt"})
_BUYER_FIELDS = frozenset({"name", "email"})


class StoredOrder(NamedTuple):
    """One applied order. key: the Idempotency-Key it came with ("" if none); checksum: of the body's bytes."""

    order_id: int
    order_no: str
    key: str
    checksum: int


class OrderBook:
    """Every order that was applied, in memory. Nothing is ever merged: an order applied twice is there twice."""

    def __init__(self) -> None:
        self._applied = 0
        self._by_key: dict[str, StoredOrder] = {}
        self._ids: dict[str, list[int]] = {}

    @property
    def applied(self) -> int:
        return self._applied

    @property
    def doubled(self) -> int:
        """How many orders were applied more than once."""
        return sum(len(ids) > 1 for ids in self._ids.values())

    def with_key(self, key: str) -> StoredOrder | None:
        return self._by_key.get(key)

    def ids_of(self, order_no: str) -> list[int]:
        return self._ids.get(order_no, [])

    def times_applied(self) -> Mapping[str, int]:
        return Counter({order_no: len(ids) for order_no, ids in self._ids.items()})

    def add(self, order: StoredOrder) -> None:
        self._applied += 1
        self._ids.setdefault(order.order_no, []).append(order.order_id)
        if order.key:
            self._by_key[order.key] = order


def problem_with(order: object) -> str | None:
    """What makes this body no acceptable order: field and reason. None: it is one."""
    if not isinstance(order, dict):
        return "an order is a JSON object"
    if order.keys() != _FIELDS:
        return _other_fields(order, _FIELDS)
    order_no, total, buyer, created_at = order["orderNo"], order["total"], order["buyer"], order["createdAt"]
    if not isinstance(order_no, str) or not 0 < len(order_no) <= 40:
        return "orderNo: 1 to 40 characters of text"
    if isinstance(total, bool) or not isinstance(total, int | float) or total < 0:
        return "total: a number, not negative"
    if not isinstance(buyer, dict):
        return "buyer: an object"
    if buyer.keys() != _BUYER_FIELDS:
        return "buyer: " + _other_fields(buyer, _BUYER_FIELDS)
    if not isinstance(buyer["name"], str) or not buyer["name"].strip():
        return "buyer.name: text, not empty"
    if not isinstance(buyer["email"], str) or "@" not in buyer["email"]:
        return "buyer.email: an address with @"
    if not isinstance(created_at, str) or not _is_moment(created_at):
        return "createdAt: date and time with their offset, as in ISO 8601"
    return None


def _other_fields(given: Mapping[str, object], wanted: frozenset[str]) -> str:
    missing = ", ".join(sorted(wanted - given.keys()))
    unknown = ", ".join(sorted(given.keys() - wanted))
    return "; ".join([f"{label}: {names}" for label, names in (("missing", missing), ("unknown", unknown)) if names])


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
