"""The two queues of a job: of numbers to hand out, and of what was put aside. Their names, their arguments, their declaration.

Both are durable and kept by Raft (`quorum`): what is confirmed is on disk. A number that was handed out too often, or a message
that is none of ours, goes to the second one and stays there for people. A full queue refuses, and nobody is dropped from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from penstock.errors import JobError
from penstock.transport.amqp import Arguments, Channel
from penstock.transport.names import queue_name

_OLDEST = (3, 10)  # the first whose dead letters do not get lost


@dataclass(frozen=True, slots=True)
class Topology:
    """delivery_limit: how often a message may come back before it is put aside. max_length: messages that the queue holds."""

    queue: str
    delivery_limit: int
    max_length: int

    @property
    def dead(self) -> str:
        """The queue of what was put aside."""
        return f"{self.queue}.dead"

    @property
    def arguments(self) -> Arguments:
        return {
            "x-queue-type": "quorum",
            "x-delivery-limit": self.delivery_limit,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.dead,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-max-length": self.max_length,
        }

    @property
    def dead_arguments(self) -> Arguments:
        """The oldest go when there are too many: the ledger knows what they said."""
        return {"x-queue-type": "quorum", "x-max-length": self.max_length}


def topology_of(job: str, secret: bytes, *, delivery_limit: int = 20, max_length: int = 100_000) -> Topology:
    return Topology(queue_name(job, secret), delivery_limit, max_length)


async def declare(channel: Channel, topology: Topology) -> None:
    """Nothing happens where they are there as they should be. First the one to which the other one leads."""
    await channel.queue_declare(topology.dead, durable=True, arguments=topology.dead_arguments)
    await channel.queue_declare(topology.queue, durable=True, arguments=topology.arguments)


def refuse_old(properties: Mapping[str, object], shown: str) -> None:
    """properties: as the server tells them. shown: where it is. Raises JobError."""
    if properties.get("product") != "RabbitMQ":
        return  # others count otherwise; they are told by what they refuse
    version = str(properties.get("version"))
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is not None and (int(found[1]), int(found[2])) < _OLDEST:
        raise JobError(
            f"the broker at {shown} is RabbitMQ {version}, which may lose dead letters: use 3.10 or newer, or go without a broker"
        )
