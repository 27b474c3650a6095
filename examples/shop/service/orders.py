"""Orders with their items: one transaction each, in MySQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from examples.shop.service.envelope import LINE_TWICE, NOT_FOUND, TOTAL_IS_NOT_THE_SUM, Refusal, answer
from examples.shop.service.idempotency import claim_of, write_once
from examples.shop.service.mysql import Mysql
from examples.shop.service.wire import Body, Currency, Moment, Money, in_utc, shown
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

router = APIRouter()

_INSERT = (
    "INSERT INTO orders (external_id, customer_id, contact, status, currency, shipping, total, note, placed_at, shipped_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_INSERT_ITEMS = "INSERT INTO order_items (order_id, line, sku, quantity, unit_price) VALUES (%s, %s, %s, %s, %s)"
_FIND = "SELECT * FROM orders WHERE external_id = %s"
_LIST = "SELECT * FROM orders WHERE id > %s ORDER BY id LIMIT %s"
_ITEMS = "SELECT * FROM order_items WHERE order_id IN %s ORDER BY order_id, line"


class Item(Body):
    line: Annotated[int, Field(ge=1, le=10_000)]
    sku: Annotated[str, Field(min_length=1, max_length=40)]
    quantity: Annotated[int, Field(ge=1, le=100_000)]
    unit_price: Annotated[Money, Field(ge=0)]


class Order(Body):
    external_id: Annotated[str, Field(min_length=1, max_length=40)]
    customer_id: Annotated[int, Field(ge=1)]
    contact: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)]
    status: Literal["open", "paid", "shipped", "cancelled"]
    currency: Currency
    shipping: Annotated[Money, Field(ge=0)]
    total: Annotated[Money, Field(ge=0)]
    note: Annotated[str, Field(max_length=2000)] | None
    placed_at: Moment
    shipped_at: Moment | None
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=500)]


@router.post("/orders", status_code=201)
async def create_order(order: Order, request: Request, mysql: Mysql) -> Response:
    if len({item.line for item in order.items}) < len(order.items):
        raise Refusal(200, LINE_TWICE, f"order {order.external_id} has two items on one line")
    if order.total != order.shipping + sum(item.quantity * item.unit_price for item in order.items):
        raise Refusal(200, TOTAL_IS_NOT_THE_SUM, f"the total of order {order.external_id} is not the sum of its parts")

    async def write(connection: AsyncConnection) -> int:
        inserted = await connection.exec_driver_sql(_INSERT, _columns(order))
        order_id = int(inserted.lastrowid)
        items = [(order_id, item.line, item.sku, item.quantity, item.unit_price) for item in order.items]
        await connection.exec_driver_sql(_INSERT_ITEMS, items)
        return order_id

    exists = f"there is an order {order.external_id} already"
    result = await write_once(mysql, await claim_of(request), write, exists=exists)
    return answer({"id": result.new_id}, status=201, replayed=result.replayed)


@router.get("/orders/{external_id}")
async def show_order(external_id: str, mysql: Mysql) -> Response:
    async with mysql.connect() as connection:
        found = (await connection.exec_driver_sql(_FIND, (external_id,))).first()
        if found is None:
            raise Refusal(404, NOT_FOUND, f"there is no order {external_id}")
        [order] = await _with_items(connection, [found])
    return answer(order)


@router.get("/orders")
async def list_orders(
    mysql: Mysql, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """after: the `next` of the page before; null there: no more."""
    async with mysql.connect() as connection:
        found = (await connection.exec_driver_sql(_LIST, (after, limit))).all()
        orders = await _with_items(connection, found) if found else []
    return answer({"items": orders, "next": found[-1].id if len(found) == limit else None})


def _columns(order: Order) -> tuple[object, ...]:
    return (
        order.external_id,
        order.customer_id,
        order.contact,
        order.status,
        order.currency,
        order.shipping,
        order.total,
        order.note,
        in_utc(order.placed_at),
        in_utc(order.shipped_at),
    )


async def _with_items(connection: AsyncConnection, found: Sequence[Row[Any]]) -> list[Mapping[str, object]]:
    items: dict[int, list[Mapping[str, object]]] = {row.id: [] for row in found}
    for item in await connection.exec_driver_sql(_ITEMS, (tuple(items),)):
        shown_item = {"line": item.line, "sku": item.sku, "quantity": item.quantity, "unitPrice": str(item.unit_price)}
        items[item.order_id].append(shown_item)
    return [{**_shown(row), "items": items[row.id]} for row in found]


def _shown(row: Row[Any]) -> Mapping[str, object]:
    return {
        "id": row.id,
        "externalId": row.external_id,
        "customerId": row.customer_id,
        "contact": row.contact,
        "status": row.status,
        "currency": row.currency,
        "shipping": str(row.shipping),
        "total": str(row.total),
        "note": row.note,
        "placedAt": shown(row.placed_at),
        "shippedAt": shown(row.shipped_at),
    }
