"""The bundled API's behaviour: a request in, an answer out. Orders are applied before the answer is even on its way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs
from zlib import crc32

import orjson

from penstock.demo.faults import Fault, Faults
from penstock.demo.orders import OrderBook, StoredOrder, problem_with

REUSED_KEY = 40009
MOVING_BUYER = 40012


class Request(NamedTuple):
    """headers: names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes


class Answer(NamedTuple):
    """body: JSON. retry_after: seconds, if the header is wanted. (None in place of an answer: the connection just closes.)"""

    status: int
    body: bytes
    retry_after: int | None = None


class OrderService:
    """POST /orders, GET /orders?external=..., GET /stats.

    token: what `Authorization: Bearer` must carry. honour_keys: whether a repeated Idempotency-Key gets the first answer again
    instead of a second order. keep: called with each applied order and its body's bytes before anything is answered.
    """

    def __init__(
        self,
        *,
        book: OrderBook,
        faults: Faults,
        token: str,
        honour_keys: bool,
        keep: Callable[[StoredOrder, bytes], None],
    ) -> None:
        self._book = book
        self._faults = faults
        self._authorization = f"Bearer {token}".encode()
        self._honour_keys = honour_keys
        self._keep = keep
        self._requests = 0
        self._stumbles: Counter[str] = Counter()

    def answer(self, request: Request) -> Answer | None:
        if request.headers.get(b"authorization") != self._authorization:
            return _problem(401, "the token is missing or wrong")
        match request.method, request.path:
            case "POST", "/orders":
                self._requests += 1
                return self._take(request)
            case "GET", "/orders":
                return self._find(request.query)
            case "GET", "/stats":
                return self._tell_stats(request.query)
            case _, "/orders" | "/stats":
                return _problem(405, f"{request.method} is not served here")
            case _:
                return _problem(404, f"there is nothing at {request.path}")

    def _take(self, request: Request) -> Answer | None:
        if not request.headers.get(b"content-type", b"").startswith(b"application/json"):
            return _problem(415, "send application/json")
        try:
            order = orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            return _problem(400, f"the body is no JSON: {error}")
        if (problem := problem_with(order)) is not None:
            return _problem(422, problem)
        key = request.headers.get(b"idempotency-key", b"").decode("latin-1") if self._honour_keys else ""
        known = self._book.with_key(key) if key else None
        checksum = crc32(request.body)
        if known is not None and known.checksum != checksum:
            return _problem(422, "this Idempotency-Key came with another body before", code=REUSED_KEY)
        return self._apply(order["orderNo"], key, checksum, request.body, known)

    def _apply(self, order_no: str, key: str, checksum: int, body: bytes, known: StoredOrder | None) -> Answer | None:
        fault = self._faults.draw(order_no)
        if known is not None and fault is Fault.BUSINESS_ERROR:
            fault = None  # "nothing applied" would be a lie
        if fault is not None:
            self._stumbles[fault.name.lower()] += 1
        match fault:
            case Fault.ERROR_BEFORE:
                return _problem(500, "something broke")
            case Fault.THROTTLED:
                return Answer(429, orjson.dumps({"code": 429, "message": "slow down"}), retry_after=1)
            case Fault.BUSINESS_ERROR:
                return _problem(200, "the account of this buyer is being moved; ask again later", code=MOVING_BUYER)
        order = known or self._add(order_no, key, checksum, body)
        match fault:
            case Fault.ERROR_AFTER:
                return _problem(500, "something broke")
            case Fault.LOST_ANSWER:
                return None
        return Answer(201 if known is None else 200, b'{"code":0,"data":{"id":%d}}' % order.order_id)

    def _add(self, order_no: str, key: str, checksum: int, body: bytes) -> StoredOrder:
        order = StoredOrder(self._book.applied + 1, order_no, key, checksum)
        self._keep(order, body)
        self._book.add(order)
        return order

    def _find(self, query: str) -> Answer:
        external = parse_qs(query).get("external")
        if external is None:
            return _problem(400, "say which: ?external=<orderNo>")
        items = [{"id": order_id} for order_id in self._book.ids_of(external[0])]
        return _found({"total": len(items), "items": items})

    def _tell_stats(self, query: str) -> Answer:
        stats: dict[str, object] = {
            "requests": self._requests,
            "applied": self._book.applied,
            "doubled": self._book.doubled,
            "faults": dict(self._stumbles),
        }
        if query == "orders=1":
            stats["orders"] = dict(self._book.times_applied())
        return _found(stats)


def _found(data: Mapping[str, object]) -> Answer:
    return Answer(200, orjson.dumps({"code": 0, "data": data}))


def _problem(status: int, message: str, *, code: int | None = None) -> Answer:
    """code: of a rule of the shop's; what HTTP itself can say has its status there too."""
    return Answer(status, orjson.dumps({"code": code or status, "message": message}))
