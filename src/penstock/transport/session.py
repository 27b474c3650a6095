"""One connection to RabbitMQ with one channel on it, for as long as both last."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlencode

from penstock.transport.address import Address
from penstock.transport.amqp import Basic, Channel, ChannelInvalidStateError, Connection, Delivered, connect
from penstock.transport.messages import Letter
from penstock.transport.rabbitmq_faults import explain
from penstock.transport.topology import refuse_old

CONNECT = 5.0  # seconds for a connection, from the first packet to the queues
CLOSE = 3.0  # seconds for a farewell

T = TypeVar("T")


async def outcome_of(work: Coroutine[Any, Any, T], seconds: float) -> T | BaseException:
    """What it returned or raised; TimeoutError if that takes too long.

    aiormq cancels whoever waits on a connection that breaks. In a task of its own that is told from being cancelled ourselves.
    """
    [outcome] = await outcomes_of([work], seconds)
    return outcome


async def outcomes_of(works: Sequence[Coroutine[Any, Any, T]], seconds: float) -> list[T | BaseException]:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        _, late = await asyncio.wait(tasks, timeout=seconds)
    except asyncio.CancelledError:
        await _end(tasks)
        raise
    await _end(late)
    return [TimeoutError() if task in late else _outcome(task) for task in tasks]


async def _end(tasks: Collection[asyncio.Task[T]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CLOSE)


def _outcome(task: asyncio.Task[T]) -> T | BaseException:
    if task.cancelled():
        return ConnectionResetError("the connection broke")
    error = task.exception()
    return task.result() if error is None else error


class Session:
    """why: what ended it, for people; "" as long as it lasts."""

    def __init__(self, connection: Connection, channel: Channel) -> None:
        self.channel = channel
        self.why = ""
        self._connection = connection
        self._is_over = asyncio.Event()
        self._acknowledged: asyncio.Queue[int] = asyncio.Queue()
        self._acknowledging = asyncio.create_task(self._acknowledge())
        channel.closing.add_done_callback(self._closed)

    def end(self, why: str) -> None:
        """It is no good any more, whoever noticed it."""
        self.why = self.why or why
        self._is_over.set()

    async def until_over(self) -> str:
        await self._is_over.wait()
        return self.why

    def acknowledge(self, tag: int) -> None:
        """Soon, or never if the session is over: a tag means something on its own channel alone."""
        self._acknowledged.put_nowait(tag)

    async def is_free(self, seconds: float) -> bool:
        """Whether the broker lets it publish, now or within so many seconds."""
        return await outcome_of(_until_ready(self._connection), seconds) is None

    async def depth(self, queue: str, seconds: float) -> int | BaseException:
        """Messages that are handed to nobody yet. The session ends if there is no such queue."""
        found = await outcome_of(self.channel.queue_declare(queue, passive=True), seconds)
        return found if isinstance(found, BaseException) else found.message_count or 0

    async def get(self, queue: str, seconds: float) -> Delivered | BaseException:
        """Without a delivery tag if there is none."""
        return await outcome_of(self.channel.basic_get(queue), seconds)

    async def reject(self, tag: int, seconds: float) -> None:
        """It is not handed out again, but put aside by the broker."""
        await outcome_of(_reject(self.channel, tag), seconds)

    async def publish(self, letters: Sequence[Letter], seconds: float) -> list[BaseException | None]:
        """Of each one: None if the broker has confirmed it, else why not."""
        return await outcomes_of([_send(self.channel, letter) for letter in letters], seconds)

    async def publish_apart(self, letters: Sequence[Letter], seconds: float) -> list[BaseException | None]:
        """The same on a channel of its own, which may break of it: what closed that comes before what was seen of it."""
        channel = await outcome_of(_new_channel(self._connection), seconds)
        if isinstance(channel, BaseException):
            return [channel]
        closing = channel.closing
        found = await outcomes_of([_send(channel, letter) for letter in letters], seconds)
        if closing.done() and not closing.cancelled() and (error := closing.exception()) is not None:
            return [outcome if outcome is None else error for outcome in found]
        await outcome_of(channel.close(), CLOSE)
        return found

    async def purge(self, queue: str, seconds: float) -> None:
        """Drop what is handed to nobody yet, if the broker answers."""
        await outcome_of(self.channel.queue_purge(queue), seconds)

    async def look_for(self, exchange: str, seconds: float) -> BaseException | None:
        """None: it is there. On a channel of its own, which breaks if it is not."""
        channel = await outcome_of(_new_channel(self._connection), seconds)
        if isinstance(channel, BaseException):
            return channel
        found = await outcome_of(channel.exchange_declare(exchange, passive=True), seconds)
        if isinstance(found, BaseException):
            return found
        await outcome_of(channel.close(), CLOSE)
        return None

    async def aclose(self) -> None:
        """Acknowledges first what it still can."""
        if not self.why:
            await outcome_of(self._acknowledged.join(), CLOSE)
        self.end("it was closed")
        self._acknowledging.cancel()
        await outcome_of(self._connection.close(), CLOSE)

    async def _acknowledge(self) -> None:
        while True:
            tag = await self._acknowledged.get()
            with suppress(ChannelInvalidStateError):
                await self.channel.basic_ack(tag, wait=False)
            self._acknowledged.task_done()

    def _closed(self, closing: asyncio.Future[Any]) -> None:
        error = None if closing.cancelled() else closing.exception()
        is_told = error is not None and not isinstance(error, asyncio.CancelledError)
        self.end(explain(error) if is_told and error else "the connection broke")


async def open_session(address: Address, *, name: str, heartbeat: int) -> Session:
    """name: as the broker's pages show it. heartbeat: seconds. Raises JobError for a broker that is too old, BROKER_ERRORS."""
    options = urlencode({"heartbeat": heartbeat})
    url = f"{address.url}{'&' if '?' in address.url else '?'}{options}"
    connection = await connect(url, client_properties={"connection_name": name}, timeout=CONNECT)
    try:
        refuse_old(_below(connection).server_properties or {}, address.shown)
        channel = await _new_channel(connection)
    except BaseException:
        await connection.close()
        raise
    return Session(connection, channel)


async def _new_channel(connection: Connection) -> Channel:
    channel: Channel = await _below(connection).channel(publisher_confirms=True, on_return_raises=True)
    return channel


async def _until_ready(connection: Connection) -> None:
    await _below(connection).ready()


def _below(connection: Connection) -> Any:
    if connection.transport is None:
        raise ConnectionResetError("the connection broke")
    return connection.transport.connection


async def _send(channel: Channel, letter: Letter) -> None:
    properties = Basic.Properties(
        content_type=letter.content_type, delivery_mode=2, headers=dict(letter.headers), message_id=letter.message_id
    )
    await channel.basic_publish(
        letter.body,
        exchange=letter.exchange,
        routing_key=letter.routing_key,
        properties=properties,
        mandatory=letter.mandatory,
    )


async def _reject(channel: Channel, tag: int) -> None:
    await channel.basic_reject(tag, requeue=False)
