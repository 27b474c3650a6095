"""Payments of orders, in MySQL. An order that is not known can have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from examples.shop.service.envelope import NOT_FOUND, UNKNOWN_ORDER, Refusal, answer
from examples.shop.service.idempotency import claim_of, write_once
from examples.shop.service.mysql import Mysql
from examples.shop.service.wire import Body, Moment, Money, in_utc, shown
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

router = APIRouter()

_INSERT = (
    "INSERT INTO payments (external_id, order_id, method, amount, paid_at, reference)"
    " SELECT %s, id, %s, %s, %s, %s FROM orders WHERE external_id = %s"
)
_FIND = (
    "SELECT p.*, o.external_id AS order_no FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.external_id = %s"
)
_LIST = (
    "SELECT p.*, o.external_id AS order_no FROM payments p JOIN orders o ON o.id = p.order_id"
    " WHERE p.id > %s ORDER BY p.id LIMIT %s"
)


class Payment(Body):
    external_id: Annotated[int, Field(ge=1)]
    order: Annotated[str, Field(min_length=1, max_length=40)]
    method: Literal["card", "invoice", "paypal", "cash"]
    amount: Money
    paid_at: Moment
    reference: Annotated[str, Field(max_length=100)] | None


@router.post("/payments", status_code=201)
async def create_payment(payment: Payment, request: Request, mysql: Mysql) -> Response:
    async def write(connection: AsyncConnection) -> int:
        columns = (
            payment.external_id,
            payment.method,
            payment.amount,
            in_utc(payment.paid_at),
            payment.reference,
            payment.order,
        )
        inserted = await connection.exec_driver_sql(_INSERT, columns)
        if inserted.rowcount == 0:
            raise Refusal(422, UNKNOWN_ORDER, f"there is no order {payment.order}")
        return int(inserted.lastrowid)

    exists = f"there is a payment {payment.external_id} already"
    result = await write_once(mysql, await claim_of(request), write, exists=exists)
    return answer({"id": result.new_id}, status=201, replayed=result.replayed)


@router.get("/payments/{external_id}")
async def show_payment(external_id: int, mysql: Mysql) -> Response:
    async with mysql.connect() as connection:
        found = (await connection.exec_driver_sql(_FIND, (external_id,))).first()
    if found is None:
        raise Refusal(404, NOT_FOUND, f"there is no payment {external_id}")
    return answer(_shown(found))


@router.get("/payments")
async def list_payments(
    mysql: Mysql, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """after: the `next` of the page before; null there: no more."""
    async with mysql.connect() as connection:
        found = (await connection.exec_driver_sql(_LIST, (after, limit))).all()
    return answer({"items": [_shown(row) for row in found], "next": found[-1].id if len(found) == limit else None})


def _shown(row: Row[Any]) -> Mapping[str, object]:
    return {
        "id": row.id,
        "externalId": row.external_id,
        "order": row.order_no,
        "method": row.method,
        "amount": str(row.amount),
        "paidAt": shown(row.paid_at),
        "reference": row.reference,
    }
