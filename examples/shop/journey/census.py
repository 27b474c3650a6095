"""Is it all there? Counted and summed up on both sides, without penstock: its ledger and its mapping are not asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from examples.shop.journey.servers import Stores, ask
from pymongo import MongoClient

_OLD = {
    "customers": "SELECT COUNT(*) FROM customers WHERE deleted = 0",
    "subscribers among them": "SELECT COUNT(*) FROM customers WHERE deleted = 0 AND newsletter = 1",
    "their names, checksums": "SELECT SUM(CRC32(name)) FROM customers WHERE deleted = 0",
    "addresses": "SELECT COUNT(*) FROM addresses a JOIN customers c ON c.id = a.customer_id WHERE c.deleted = 0",
    "their streets, checksums": "SELECT SUM(CRC32(CONVERT(a.street USING utf8mb4)))"
    " FROM addresses a JOIN customers c ON c.id = a.customer_id WHERE c.deleted = 0",
    "products": "SELECT COUNT(*) FROM products",
    "their prices, in cents": "SELECT SUM(price * 100) FROM products",
    "orders": "SELECT COUNT(*) FROM orders WHERE deleted = 0",
    "orders, different numbers": "SELECT COUNT(DISTINCT order_no) FROM orders WHERE deleted = 0",
    "their totals": "SELECT SUM(total) FROM orders WHERE deleted = 0",
    "their notes, checksums": "SELECT SUM(CRC32(note)) FROM orders WHERE deleted = 0",
    "shipped among them": "SELECT COUNT(*) FROM orders WHERE deleted = 0 AND shipped_at > 0",
    "order items": "SELECT COUNT(*) FROM order_items i JOIN orders o ON o.id = i.order_id WHERE o.deleted = 0",
    "what they cost": "SELECT SUM(i.quantity * i.unit_price) FROM order_items i JOIN orders o ON o.id = i.order_id"
    " WHERE o.deleted = 0",
    "payments": "SELECT COUNT(*) FROM payments p JOIN orders o ON o.id = p.order_id WHERE o.deleted = 0",
    "their amounts": "SELECT SUM(p.amount) FROM payments p JOIN orders o ON o.id = p.order_id WHERE o.deleted = 0",
}
_NEW = {
    "orders": "SELECT COUNT(*) FROM orders",
    "orders, different numbers": "SELECT COUNT(DISTINCT external_id) FROM orders",
    "their totals": "SELECT SUM(total) FROM orders",
    "their notes, checksums": "SELECT SUM(CRC32(note)) FROM orders",
    "shipped among them": "SELECT COUNT(*) FROM orders WHERE shipped_at IS NOT NULL",
    "order items": "SELECT COUNT(*) FROM order_items",
    "what they cost": "SELECT SUM(quantity * unit_price) FROM order_items",
    "payments": "SELECT COUNT(*) FROM payments",
    "their amounts": "SELECT SUM(amount) FROM payments",
}
# The flag stands where a row was wanted, and nowhere else.
_FLAGS = {
    "customers": "SELECT COALESCE(SUM(is_import <> (deleted = 0)), 0) FROM customers",
    "products": "SELECT COALESCE(SUM(is_import <> 1), 0) FROM products",
    "orders": "SELECT COALESCE(SUM(is_import <> (deleted = 0)), 0) FROM orders",
    "payments": "SELECT COALESCE(SUM(p.is_import <> (o.deleted = 0)), 0) FROM payments p JOIN orders o ON o.id = p.order_id",
}


@dataclass(frozen=True, slots=True)
class Count:
    """What is counted, in the old shop and in the new stores."""

    what: str
    old: object
    new: object


def take_census(stores: Stores) -> Iterator[Count]:
    found = dict(_documents(stores.documents))
    for what, query in _OLD.items():
        new = found[what] if what in found else ask(stores.new, _NEW[what])[0][0]
        yield Count(what, ask(stores.old, query)[0][0], new)
    for job, query in _FLAGS.items():
        yield Count(f"wrong flags of {job}", ask(stores.old, query)[0][0], 0)


def _documents(url: str) -> Iterator[tuple[str, int]]:
    """Every document is read: the protocol's own sums are not the same with every server."""
    with MongoClient[dict[str, Any]](url) as client:
        documents = client.get_default_database()
        customers = subscribers = addresses = names = streets = 0
        for customer in documents.customers.find({}, {"name": 1, "newsletter": 1, "addresses": 1}):
            customers += 1
            subscribers += customer["newsletter"]
            names += crc32(customer["name"].encode())
            addresses += len(customer["addresses"])
            streets += sum(crc32(address["street"].encode()) for address in customer["addresses"])
        prices = [product["priceCents"] for product in documents.products.find({}, {"priceCents": 1})]
    yield from (("customers", customers), ("subscribers among them", subscribers), ("their names, checksums", names))
    yield from (("addresses", addresses), ("their streets, checksums", streets))
    yield from (("products", len(prices)), ("their prices, in cents", sum(prices)))
