"""Everything that a nemesis may lay hands on, and nothing else: what it does to each, and how it is undone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engine.own_mariadb import OwnMariadb, own_mariadb
from tests.links.namespace import Namespace
from tests.links.process import LinkProcess
from tests.proof.processes import Nursery
from tests.proof.stage import Stage, Terms
from tests.transport.own_rabbitmq import OwnRabbitmq, own_rabbitmq

# As short as can be: nobody waits long for a worker that is gone. 2 x TOTAL + 1 s is the least that a lease may be.
TOTAL, LEASE = 1.0, 3.0
CONCURRENCY = 16  # of all workers together
MAX_IN_DOUBT = 300
_DELIVERY = (
    f"concurrency: {CONCURRENCY}, max_in_doubt: {MAX_IN_DOUBT}, timeout: {{connect: 500ms, total: {TOTAL:g}s}}, "
    "attempts: 50, backoff: {first: 20ms, max: 500ms}, stop_at: never"
)
_LEDGER = f"ledger: {{lease: {LEASE:g}s}}"
# Else it would write a line for each connection that breaks, into a pipe that nobody reads.
_QUIET = "--log-warnings=0"


@dataclass(frozen=True)
class Broker:
    """A RabbitMQ of its own, behind a link."""

    node: OwnRabbitmq
    link: LinkProcess

    @property
    def url(self) -> str:
        """As the workers reach it."""
        return f"amqp://penstock:penstock@127.0.0.1:{self.link.port}/"

    def restart(self) -> None:
        """As when the machine's memory runs out."""
        self.node.kill()
        self.node.start()

    def purge(self) -> None:
        for line in self.node.steer("list_queues", "name", "--no-table-headers").splitlines():
            if not line.endswith(".dead"):
                self.node.steer("purge_queue", line.strip())

    def block(self, *, blocks: bool) -> None:
        """Whether it takes no messages, for want of memory."""
        self.node.steer("set_vm_memory_high_watermark", "0.0001" if blocks else "0.6")


@dataclass(frozen=True)
class Battlefield:
    """api, database: the links before them. networks: those that workers live in, besides this machine's. broker: None: the
    workers find their ranges in the ledger alone."""

    stage: Stage
    server: OwnMariadb
    api: LinkProcess
    database: LinkProcess
    networks: Sequence[Namespace]
    broker: Broker | None = None

    def heal(self) -> None:
        """Links and networks let everything pass, and the API accepts everything."""
        self.api.heal()
        self.database.heal()
        if self.broker is not None:
            self.broker.link.heal()
        for network in self.networks:
            network.heal()
        self.stage.oracle.tell(mix="accept=1")

    def cut_off(self) -> None:
        """Once nobody lives that was behind the links: what they still carry reaches nobody any more. (Whoever is killed while
        its network is parted resets its connections, and that is told once and never again: they would stay for ever.)"""
        self.api.tear()
        self.database.tear()
        if self.broker is not None:
            self.broker.link.tear()

    async def restart_the_server(self) -> None:
        """As when the machine's memory runs out."""
        await asyncio.to_thread(self.server.restart)


@contextmanager
def battlefield(
    folder: Path, *, idempotent: bool, rows: int, seed: int, networks: int, patience: float, with_broker: bool = False
) -> Iterator[Battlefield]:
    """A job of so many rows on a MariaDB of its own, behind two links. networks: how many besides this machine's. with_broker: a
    RabbitMQ of its own, behind a third one."""
    with ExitStack() as opened:
        spaces = [Namespace() for _ in range(networks)]
        for space in spaces:
            opened.callback(space.close)
        server = opened.enter_context(own_mariadb(folder / "mariadb", _QUIET))
        broker = None
        if with_broker:
            node = opened.enter_context(own_rabbitmq(folder / "rabbitmq"))
            broker = Broker(node, LinkProcess(node.port, namespaces=spaces))
            opened.callback(broker.link.close)
        nursery = Nursery()
        opened.callback(nursery.close)
        links: dict[str | None, LinkProcess] = {}

        def by_link(speaks: str | None) -> Callable[[int], int]:
            def lead(port: int) -> int:
                link = links[speaks] = LinkProcess(port, speaks=speaks, namespaces=spaces)
                opened.callback(link.close)
                return link.port

            return lead

        terms = Terms(
            idempotent=idempotent,
            seed=seed,
            rows=rows,
            delivery=_DELIVERY,
            ledger=_LEDGER,
            patience=patience,
            to_api=by_link(None),
            to_database=by_link("mysql"),
        )
        stage = opened.enter_context(Stage(nursery, server.url("penstock"), folder, terms))
        nursery.warm_up(stage.place, ["run", "job.yaml", "--json", "--limit", "1"])
        yield Battlefield(stage, server, links[None], links["mysql"], spaces, broker)
