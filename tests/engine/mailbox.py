"""Others, who are told of rows by messages: an exchange of RabbitMQ, and a queue in which all that it is sent is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aio_pika import DeliveryMode, ExchangeType, connect
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue
from tests.engine.api import PATIENCE

EXCHANGE = "migration"


class Letter(NamedTuple):
    """What is left of one message."""

    message_id: str
    routing_key: str
    content: dict[str, Any]
    body: bytes

    @property
    def key(self) -> object:
        return self.content["key"]


class Mailbox:
    """Made by `mailbox`."""

    def __init__(self, queue: AbstractQueue) -> None:
        self._queue = queue
        self._letters: list[Letter] = []

    async def letters(self) -> Sequence[Letter]:
        """All that has come so far."""
        while (message := await self._queue.get(no_ack=True, fail=False)) is not None:
            self._keep(message)
        return tuple(self._letters)

    async def until(self, times: int) -> Sequence[Letter]:
        """Wait until so many have come. Raises TimeoutError if they do not."""
        has_come = asyncio.Event()

        async def keep(message: AbstractIncomingMessage) -> None:
            self._keep(message)
            if len(self._letters) >= times:
                has_come.set()

        if len(await self.letters()) < times:
            tag = await self._queue.consume(keep, no_ack=True)
            async with asyncio.timeout(PATIENCE):
                await has_come.wait()
            await self._queue.cancel(tag)
        return await self.letters()

    def _keep(self, message: AbstractIncomingMessage) -> None:
        assert message.delivery_mode is DeliveryMode.PERSISTENT
        assert message.content_type == "application/json"
        assert message.message_id is not None
        assert message.routing_key is not None
        self._letters.append(
            Letter(message.message_id, message.routing_key, json.loads(message.body), bytes(message.body))
        )


@asynccontextmanager
async def mailbox(url: str, *, exchange: str = EXCHANGE) -> AsyncIterator[Mailbox]:
    connection = await connect(url)
    async with connection:
        channel = await connection.channel()
        there = await channel.declare_exchange(exchange, ExchangeType.TOPIC)
        queue = await channel.declare_queue("of-others")
        await queue.bind(there, "#")
        yield Mailbox(queue)
