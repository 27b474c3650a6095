"""A broker opened for a test, and what the tests of it have in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel

from penstock.transport.rabbitmq import RabbitBroker, open_broker
from penstock.transport.topology import topology_of

JOB = "orders"
SECRET = b"canary-of-this-job"
QUEUE = topology_of(JOB, SECRET).queue
DEAD = topology_of(JOB, SECRET).dead
PATIENCE = 60.0  # seconds after which something that should have come will not come any more


@asynccontextmanager
async def opened(
    url: str,
    *,
    secret: bytes = SECRET,
    prefetch: int = 10,
    delivery_limit: int = 20,
    max_length: int = 100_000,
    heartbeat: int = 15,
) -> AsyncIterator[RabbitBroker]:
    broker = await open_broker(
        url, JOB, secret, prefetch, delivery_limit=delivery_limit, max_length=max_length, heartbeat=heartbeat
    )
    try:
        yield broker
    finally:
        await broker.aclose()


@asynccontextmanager
async def a_channel(url: str) -> AsyncIterator[AbstractChannel]:
    """Of somebody who is no worker."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        yield channel


async def send(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    """What somebody else writes into the queue of the job."""
    async with a_channel(url) as channel:
        message = aio_pika.Message(body, headers=dict(headers or {}))
        await channel.default_exchange.publish(message, QUEUE)


async def until_trouble(broker: RabbitBroker, holds: Callable[[str], bool]) -> str:
    """Wait until its trouble is such. Nothing may come to be taken meanwhile."""
    async with asyncio.timeout(PATIENCE):
        while not holds(broker.trouble):
            assert await broker.take(0.1) is None
    return broker.trouble


async def until_taken(broker: RabbitBroker) -> int:
    """Of a broker that may have to come back first."""
    async with asyncio.timeout(PATIENCE):
        while (range_no := await broker.take(1)) is None:
            pass
    return range_no


async def until_well(broker: RabbitBroker) -> None:
    await until_trouble(broker, lambda trouble: trouble == "")


async def is_all_acknowledged(url: str, *, delivery_limit: int = 20) -> bool:
    """Whether the queue holds nothing, now that whoever had something of it is gone."""
    async with opened(url, delivery_limit=delivery_limit) as broker:
        return await broker.take(0.3) is None and await broker.depth() == 0
