"""A job's broker: which one, and how much of what it hands out a worker may hold at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from penstock.engine.planner import SPAN
from penstock.errors import Unreachable
from penstock.ledger.base import ReadModel
from penstock.ledger.opening import read_model
from penstock.spec.models import Job
from penstock.transport.base import Broker
from penstock.transport.names import queue_name
from penstock.wiring.databases import open_ledger_database

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


@dataclass(frozen=True, slots=True)
class Queue:
    """A job's queue. waiting, put_aside: messages; None where nobody was asked. trouble: why the broker did not answer."""

    name: str
    waiting: int | None = None
    put_aside: int | None = None
    trouble: str = ""


async def look_at_queue(url: str | None, job: Job, model: ReadModel) -> Queue | None:
    """None: no worker of the job has used a broker. url: of the broker to ask; None: nobody is asked. Raises JobError."""
    signing_key = await model.signing_key()
    if not signing_key:
        return None
    name = queue_name(job.name, signing_key)
    if url is None:
        return Queue(name)
    from penstock.transport.dead_letters import depths  # noqa: PLC0415  # aio-pika need not be there

    try:
        return Queue(name, *await depths(url, job.name, signing_key))
    except Unreachable as trouble:
        return Queue(name, trouble=str(trouble))


async def put_messages_back(url: str, job: Job, *, tell: Callable[[str], None]) -> tuple[int, int]:
    """How many messages that were put aside are handed out again, and how many are none of the job's and were thrown away; `tell`
    is told of each of those why. Raises JobError, Unreachable."""
    from penstock.transport.dead_letters import put_back  # noqa: PLC0415  # aio-pika need not be there

    async with open_ledger_database(job) as database:
        signing_key = await (await read_model(database, job.name)).signing_key()
    return await put_back(url, job.name, signing_key, tell=tell) if signing_key else (0, 0)


def ranges_at_once(job: Job) -> int:
    """How many ranges one worker of this job can work on at the same time."""
    return RANGES_IN_HAND + job.delivery.max_concurrency // SPAN
