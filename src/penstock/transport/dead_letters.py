"""What was put aside: counted, and put back by a person. See penstock.transport.topology."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from penstock.transport.address import Address, read_address
from penstock.transport.amqp import ChannelNotFoundEntity
from penstock.transport.messages import Junk, Messages
from penstock.transport.rabbitmq_faults import meaning
from penstock.transport.session import CONNECT, Session, open_session, outcome_of
from penstock.transport.topology import Topology, topology_of

PATIENCE = 5.0  # seconds for each message

T = TypeVar("T")


async def count(url: str, job: str, secret: bytes) -> int:
    """How many there are. Raises JobError, BrokerUnreachable."""
    async with _put_aside(url, job, secret) as dead:
        return await dead.depth(topology_of(job, secret).dead)


async def depths(url: str, job: str, secret: bytes) -> tuple[int, int]:
    """How many messages wait to be handed out, and how many were put aside. Raises JobError, BrokerUnreachable."""
    topology = topology_of(job, secret)
    async with _put_aside(url, job, secret) as dead:
        waiting = await dead.depth(topology.queue)
    async with _put_aside(url, job, secret) as dead:  # a session ends with a queue that is not there
        return waiting, await dead.depth(topology.dead)


async def put_back(url: str, job: str, secret: bytes, *, tell: Callable[[str], None]) -> tuple[int, int]:
    """Have those handed out again that are numbers of ranges. The others are thrown away, and `tell` is told of each why.

    How many were put back, and how many thrown away, of those that were there when it began; fewer if the queue is full.
    Raises JobError, BrokerUnreachable: what was not put back is still there.
    """
    back = away = 0
    async with _put_aside(url, job, secret) as dead:
        for _ in range(await dead.depth(topology_of(job, secret).dead)):
            match await dead.move_one(Messages(job, secret)):
                case None:
                    break
                case Junk(reason):
                    tell(reason)
                    away += 1
                case _:
                    back += 1
    return back, away


class _PutAside:
    def __init__(self, session: Session, address: Address, topology: Topology) -> None:
        self._session = session
        self._address = address
        self._topology = topology

    async def depth(self, queue: str) -> int:
        """0 also where there is no such queue; the session is over then."""
        found = await self._session.depth(queue, PATIENCE)
        return 0 if isinstance(found, ChannelNotFoundEntity) else self._unless_refused(found)

    async def move_one(self, messages: Messages) -> int | Junk | None:
        """Which went, as a number or as junk; None: there is no more, or no room. Nothing goes before it is somewhere else."""
        message = self._unless_refused(await self._session.get(self._topology.dead, PATIENCE))
        if message.delivery_tag is None:
            return None
        found = messages.read(message.body, message.header.properties.headers)
        if isinstance(found, int):
            letter = messages.write(found, queue=self._topology.queue)
            if await self._session.publish([letter], PATIENCE) != [None]:
                return None
        self._session.acknowledge(message.delivery_tag)
        return found

    def _unless_refused(self, found: T | BaseException) -> T:
        if isinstance(found, BaseException):
            raise meaning(found, self._address, self._topology.queue) from found
        return found


@asynccontextmanager
async def _put_aside(url: str, job: str, secret: bytes) -> AsyncIterator[_PutAside]:
    address, topology = read_address(url), topology_of(job, secret)
    found = await outcome_of(open_session(address, name=f"penstock {job} dead letters", heartbeat=15), CONNECT)
    if isinstance(found, BaseException):
        raise meaning(found, address, topology.queue) from found
    try:
        yield _PutAside(found, address, topology)
    finally:
        await found.aclose()
