"""RabbitMQ hands out the numbers of ranges. See penstock.transport.base.Broker; docs/adr/0017 says why so.

Two connections, because a broker that is short of memory stops listening to whoever publishes, and acknowledgements would wait
with it. Importing this raises JobError where aio-pika is not installed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from penstock.errors import JobError, PenstockError
from penstock.transport.address import Address, read_address
from penstock.transport.amqp import ChannelAccessRefused, ChannelNotFoundEntity, Delivered, PublishError
from penstock.transport.base import Message
from penstock.transport.deliveries import Deliveries
from penstock.transport.link import Link
from penstock.transport.messages import Junk, Letter, Messages, put_aside
from penstock.transport.rabbitmq_faults import explain, meaning, unreachable
from penstock.transport.session import Session, open_session
from penstock.transport.topology import Topology, declare, topology_of

PATIENCE = 5.0  # seconds for the broker to confirm something
BREATH = 0.2  # seconds that a caller of `take` waits at the least
AT_ONCE = 200  # messages that wait to be confirmed


class Held(NamedTuple):
    """A message that is to be acknowledged on the channel that it came by, and on no other."""

    session: Session
    tag: int

    def acknowledge(self) -> None:
        self.session.acknowledge(self.tag)


class RabbitBroker:
    """Made by `open_broker`."""

    def __init__(
        self, address: Address, job: str, secret: bytes, topology: Topology, *, prefetch: int, heartbeat: int
    ) -> None:
        self._address = address
        self._messages = Messages(job, secret)
        self._topology = topology
        self._prefetch = prefetch
        self._heartbeat = heartbeat
        self._refused = ""  # why the last `publish` did not publish all
        self._deliveries: Deliveries[Held] = Deliveries()
        self._news = asyncio.Event()
        self._taking = Link(dial=self._dial_to_take, meaning=self._meaning, on_lost=self._take_back)
        self._giving = Link(dial=self._dial_to_give, meaning=self._meaning, on_lost=lambda: None)

    def __repr__(self) -> str:
        return f"<RabbitBroker {self._topology.queue} at {self._address}>"

    @property
    def trouble(self) -> str:
        return self._taking.trouble or self._giving.trouble or self._refused

    async def until_tried(self) -> PenstockError | None:
        """Both connections are there, or this is why one is not."""
        await self._taking.until_tried()
        await self._giving.until_tried()
        return self._taking.refusal or self._giving.refusal

    async def wait(self) -> None:
        while not self._deliveries.is_any_waiting:
            self._news.clear()
            await self._news.wait()

    async def take(self, seconds: float) -> int | None:
        session = self._taking.session
        try:
            async with asyncio.timeout(seconds if session else min(seconds, BREATH)):
                while not self._deliveries.is_any_waiting and self._taking.session is session:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pass
        return self._deliveries.take()

    def done(self, range_no: int) -> None:
        for held in self._deliveries.done(range_no):
            held.acknowledge()

    async def publish(self, ranges: Sequence[int]) -> int:
        confirmed = 0
        while confirmed < len(ranges):
            letters = [
                self._messages.write(range_no, queue=self._topology.queue)
                for range_no in ranges[confirmed : confirmed + AT_ONCE]
            ]
            session = await self._giving.within(PATIENCE)
            if session is None:
                return confirmed
            if not await session.is_free(PATIENCE):
                self._refused = self._blocked()
                return confirmed
            outcomes = await session.publish(letters, PATIENCE)
            for outcome in outcomes:
                if outcome is not None:
                    await self._not_confirmed(session, outcome)
                    return confirmed
                confirmed += 1
        self._refused = ""
        return confirmed

    async def publish_to(self, exchange: str, messages: Sequence[Message]) -> int:
        session = await self._giving.within(PATIENCE)
        if session is None:
            return 0
        if not messages:
            self._refuse(exchange, await session.look_for(exchange, PATIENCE))
        confirmed = 0
        while confirmed < len(messages) and await session.is_free(PATIENCE):
            letters = [
                Letter(exchange, key, body, "application/json", mandatory=False, message_id=message_id)
                for message_id, key, body in messages[confirmed : confirmed + AT_ONCE]
            ]
            for outcome in await session.publish_apart(letters, PATIENCE):
                self._refuse(exchange, outcome)
                if outcome is not None:
                    return confirmed
                confirmed += 1
        return confirmed

    async def depth(self) -> int | None:
        session = self._taking.session
        found = None if session is None else await session.depth(self._topology.queue, PATIENCE)
        return found if isinstance(found, int) else None

    async def purge(self) -> None:
        session = self._giving.session
        if session is not None:
            await session.purge(self._topology.queue, PATIENCE)
        await self.depth()  # whatever was on its way to this worker by then is here when that is answered
        # What was handed to this worker and not taken would be handed out again.
        while (range_no := self._deliveries.take()) is not None:
            self.done(range_no)

    async def aclose(self) -> None:
        await self._taking.aclose()
        await self._giving.aclose()

    def _refuse(self, exchange: str, outcome: BaseException | None) -> None:
        """Raises JobError for an exchange that is not there, or may not be written to."""
        if isinstance(outcome, ChannelNotFoundEntity | ChannelAccessRefused):
            raise JobError(
                f"the broker at {self._address} takes nothing for the exchange {exchange!r} ({explain(outcome)}): "
                f"declare it in the virtual host {self._address.vhost!r}, and let {self._address.user!r} write to it"
            )

    async def _dial_to_take(self) -> Session:
        session = await self._dial("takes ranges")
        try:
            session.channel.on_consumer_cancel_callbacks.add(lambda _: session.end("the queue was deleted"))
            await session.channel.basic_qos(prefetch_count=self._prefetch)
            await session.channel.basic_consume(self._topology.queue, partial(self._arrived, session))
        except BaseException:
            await session.aclose()
            raise
        return session

    async def _dial_to_give(self) -> Session:
        await self._taking.until_tried()  # two that make the same queue at the same time may fail
        return await self._dial("gives ranges")

    async def _dial(self, does: str) -> Session:
        name = f"penstock {self._messages.job} {does}"
        session = await open_session(self._address, name=name, heartbeat=self._heartbeat)
        try:
            await declare(session.channel, self._topology)
        except BaseException:
            await session.aclose()
            raise
        return session

    async def _arrived(self, session: Session, message: Delivered) -> None:
        if message.delivery_tag is None:
            return
        held = Held(session, message.delivery_tag)
        found = self._messages.read(message.body, message.header.properties.headers)
        if isinstance(found, Junk):
            await self._put_aside(held, message, found)
        elif not session.why:
            self._deliveries.arrived(found, held)
            self._news.set()

    async def _put_aside(self, held: Held, message: Delivered, junk: Junk) -> None:
        """Into the queue for people, with the reason; if that cannot be, the broker puts it there without one."""
        letter = put_aside(message.body, message.header.properties.headers, junk, queue=self._topology.dead)
        giving = await self._giving.within(PATIENCE)
        if giving and await giving.is_free(PATIENCE) and await giving.publish([letter], PATIENCE) == [None]:
            held.acknowledge()
        else:
            await held.session.reject(held.tag, PATIENCE)

    def _take_back(self) -> None:
        self._deliveries.lost()
        self._news.set()

    async def _not_confirmed(self, session: Session, outcome: BaseException) -> None:
        if isinstance(outcome, TimeoutError) and not await session.is_free(BREATH):
            self._refused = self._blocked()
            return
        self._refused = f"the broker at {self._address} did not take the number of a range: {explain(outcome)}"
        # Nobody answers, or the queue is gone: with a new session it is declared again.
        if isinstance(outcome, TimeoutError | PublishError):
            session.end(explain(outcome))

    def _blocked(self) -> str:
        return (
            f"the broker at {self._address} blocks publishers (it is short of memory or disk): "
            "ranges are found in the ledger meanwhile"
        )

    def _meaning(self, failure: BaseException | str) -> PenstockError:
        if isinstance(failure, str):
            return unreachable(failure, self._address)
        return meaning(failure, self._address, self._topology.queue)


async def open_broker(
    url: str,
    job: str,
    secret: bytes,
    prefetch: int,
    *,
    delivery_limit: int = 20,
    max_length: int = 100_000,
    heartbeat: int = 15,
    must_reach: bool = False,
) -> RabbitBroker:
    """Returns when it is connected, or has tried once and will go on trying.

    secret: what only this job's workers know; it signs the messages and names the queue. prefetch: messages handed to this worker
    and not yet acknowledged. delivery_limit: how often a message may come back before it goes to the dead letters. max_length:
    messages in the queue. heartbeat: seconds. Raises JobError for what a person has to change (the URL, the login, the rights, a
    queue of that name that is another's), and with `must_reach` BrokerUnreachable.
    """
    topology = topology_of(job, secret, delivery_limit=delivery_limit, max_length=max_length)
    broker = RabbitBroker(read_address(url), job, secret, topology, prefetch=prefetch, heartbeat=heartbeat)
    try:
        refusal = await broker.until_tried()
        if refusal is not None and (must_reach or isinstance(refusal, JobError)):
            raise refusal
    except BaseException:
        await broker.aclose()
        raise
    return broker
