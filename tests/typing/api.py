"""Only type-checked, never run: what users write against the library must stay well typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_type

from pydantic import SecretStr

from penstock import Ended, Job, Progress, Source, Stop, Summary, Target, load, prepare, run
from penstock.ledger.rows import Counts


def to_payload(row: Mapping[str, Any]) -> dict[str, object] | None:
    return {"orderNo": row["order_no"]} if row["total"] else None


def show(progress: Progress) -> None:
    assert_type(progress.counts.imported, int)
    assert_type(progress.rows_per_second, float)


async def from_a_file() -> None:
    job = load("orders.yaml")
    assert_type(job, Job)
    await prepare(job)
    summary = await run(job, limit=100, keys=[1042, ("north", 17)], rate=50.0, seconds=3600.0, stop=Stop(), show=show)
    await run(job, broker="amqp://127.0.0.1/")
    assert_type(summary, Summary)
    assert_type(summary.counts, Counts)
    assert_type(summary.ended, Ended)
    assert_type(summary.tally.sent, int)


async def built_in_python() -> None:
    job = Job(
        name="orders",
        source=Source(url=SecretStr("sqlite:///shop.db"), query="SELECT * FROM orders", key=("id",)),
        target=Target(url=SecretStr("http://127.0.0.1:8080/orders"), idempotent=True),
        transform=to_payload,
    )
    await run(job)
