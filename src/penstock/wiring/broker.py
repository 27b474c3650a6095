"""A job's broker: which one, and how much of what it hands out a worker may hold at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

from penstock.engine.reader import SPAN
from penstock.spec.models import Job
from penstock.transport.base import Broker

# Rows of so many ranges wait, are on the wire or are being settled at once, besides those that are on the wire because answers
# take long.
RANGES_IN_HAND = 4

# From the job's signing key to its broker.
BrokerOpener: TypeAlias = Callable[[bytes], AbstractAsyncContextManager[Broker]]


@asynccontextmanager
async def opened_broker(url: str, job: Job, signing_key: bytes) -> AsyncIterator[Broker]:
    """Raises JobError for an address, an account or a queue that a person must mend first. One that is not reachable is tried
    again and again: `Broker.trouble` tells."""
    from penstock.transport.rabbitmq import open_broker  # noqa: PLC0415  # aio-pika need not be there

    broker = await open_broker(url, job.name, signing_key, prefetch=ranges_at_once(job))
    try:
        yield broker
    finally:
        await broker.aclose()


def ranges_at_once(job: Job) -> int:
    """How many ranges one worker of this job can work on at the same time."""
    return RANGES_IN_HAND + job.delivery.max_concurrency // SPAN
