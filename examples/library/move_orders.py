"""A job built in Python: the orders of an old shop, with a function as their mapping.

python -m penstock.demo.shop --url sqlite:///shop.db --orders 500
python -m penstock.demo.api --port 8008 &
ORDERS_URL=http://127.0.0.1:8008/orders API_TOKEN=demo-token python move_orders.py
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from penstock import Delivery, Flag, Job, Progress, Source, Summary, Target, prepare, run
from penstock.errors import JobError, Unreachable

QUERY = """
    SELECT o.id, o.order_no, o.total, o.created_at, c.name, c.email
    FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.deleted = 0"""


def to_order(row: Mapping[str, Any]) -> dict[str, object] | None:
    """A row of the query → the JSON body to send. None: this row is not sent, but skipped."""
    if row["total"] < Decimal(25):
        return None  # samples; the new shop does not want them
    return {
        "orderNo": row["order_no"],
        "total": row["total"],
        "buyer": {"name": row["name"].strip(), "email": row["email"].lower()},
        "createdAt": row["created_at"],
    }


def orders_job(*, shop: str, api: str, token: str) -> Job:
    """shop: the URL of the old database. api: the endpoint that takes one order."""
    return Job(
        name="orders",
        source=Source(
            url=SecretStr(shop), query=QUERY, key=("id",), flag=Flag(table="orders"), timezone="Asia/Shanghai"
        ),
        target=Target(
            url=SecretStr(api),
            headers={"Authorization": SecretStr(f"Bearer {token}")},
            accept="{{ status < 300 and body.code == 0 }}",
            refuse="{{ body.code >= 40000 }}",
            receipt="{{ body.data.id }}",
            idempotent=True,
        ),
        delivery=Delivery(concurrency=16),
        transform=to_order,
    )


def show(progress: Progress) -> None:
    print(f"{progress.counts.imported:,} imported, {progress.rows_per_second:.0f}/s", file=sys.stderr)


async def move(job: Job) -> Summary:
    await prepare(job)  # does nothing where everything is there already
    return await run(job, show=show)


def main() -> int:
    api, token = os.environ.get("ORDERS_URL"), os.environ.get("API_TOKEN")
    if api is None or token is None:
        print("set ORDERS_URL and API_TOKEN first", file=sys.stderr)
        return 2
    job = orders_job(shop="sqlite:///shop.db", api=api, token=token)
    try:
        summary = asyncio.run(move(job))
    except JobError as error:
        print(f"change something first: {error}", file=sys.stderr)
        return 2
    except Unreachable as error:
        print(f"the same command goes on later: {error}", file=sys.stderr)
        return 3
    for cause in summary.causes:
        print(f"{cause.rows} rows {cause.state}: {cause.reason} (for example {cause.example})")
    print(f"{summary.counts.imported} imported, {summary.counts.failed} failed, {summary.counts.skipped} skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
