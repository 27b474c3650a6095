"""What goes wrong in a chaos run: one fault after the other and several at once, drawn by seed, each undone after a while.

Only what has really happened is counted: a signal that reached a worker, a trap that something ran into. The seed draws
the faults; which of the workers it hits, and where that one stands, is chance.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from random import Random
from typing import NamedTuple, TypeAlias

from sqlalchemy.exc import DBAPIError
from tests.links.process import LinkProcess
from tests.links.traps import At, Does, Trap, Way
from tests.proof.battlefield import LEASE, Battlefield, Broker
from tests.proof.crew import Crew, Worker

STOPPED = "worker stopped beyond its lease (SIGSTOP)"
FROZEN = "worker stopped beyond its lease, then killed"
STORM = "accept=6,slow=1,stray=1,lose=1,drop=1,cut=1,fail-after=1,fail-before=1,throttle=1,refuse=1"
TRAP_PATIENCE = 3.0  # seconds for which a trap waits for somebody
LET_GO = 10.0  # seconds that a worker may take to heed a SIGTERM, before something else may be done to it

# Does its harm and undoes it; tells whether anything has happened.
Act: TypeAlias = Callable[[], Awaitable[bool]]


class Fault(NamedTuple):
    """weight: how often, relative to the others. place: of which only one is disturbed at a time; None: it looks itself."""

    name: str
    weight: int
    place: str | None
    act: Act


class Nemesis:
    """rows: of the table. pause: seconds between two draws, at the most. done: how often each fault has happened."""

    def __init__(self, field: Battlefield, crew: Crew, *, rows: int, seed: int, pause: float) -> None:
        self.done: Counter[str] = Counter()
        self._field = field
        self._crew = crew
        self._rows = rows
        self._random = Random(seed)
        self._pause = pause
        self._disturbed: set[str] = set()
        self._faults = [
            Fault("worker killed (SIGKILL)", 14, None, self._kill),
            Fault("worker asked to stop (SIGTERM)", 8, None, self._ask),
            Fault("worker asked to stop, killed before it had", 4, None, self._ask_and_kill),
            Fault(STOPPED, 40, None, self._stop),
            Fault(FROZEN, 4, None, self._freeze),
            Fault("API stumbles in every way", 5, "api", self._storm),
            Fault("API answers 500, applied or not", 2, "api", self._fail),
            Fault("API answers 429", 2, "api", self._throttle),
            Fault("API: connections reset", 3, "api", lambda: self._tear(field.api)),
            Fault("API: request cut at a byte", 3, "api", lambda: self._cut(field.api, Way.THERE, 600)),
            Fault("API: answer cut at a byte", 3, "api", lambda: self._cut(field.api, Way.BACK, 200)),
            Fault("API: bytes taken, never answered", 3, "api", lambda: self._be_deaf(field.api)),
            Fault("API: late", 3, "api", lambda: self._be_late(field.api, 1.2)),
            Fault("API: out of reach", 3, "api", lambda: self._shut(field.api)),
            Fault("database: connections reset", 2, "database", lambda: self._tear(field.database)),
            Fault("database: cut at a byte", 2, "database", lambda: self._cut(field.database, Way.THERE, 20000)),
            Fault("database: answer cut at a byte", 2, "database", lambda: self._cut(field.database, Way.BACK, 9000)),
            Fault("database: cut at a packet", 2, "database", self._cut_packet),
            Fault("database: COMMIT lost", 4, "database", lambda: self._lose_commit(Does.CUT)),
            Fault("database: answer of a COMMIT lost", 4, "database", lambda: self._lose_commit(Does.SWALLOW)),
            Fault("database: bytes taken, never answered", 2, "database", lambda: self._be_deaf(field.database)),
            Fault("database: late", 2, "database", lambda: self._be_late(field.database, 0.2)),
            Fault("database: out of reach", 2, "database", lambda: self._shut(field.database)),
            Fault("database killed and started again", 2, "database", self._restart),
            Fault("database read-only", 2, "database", lambda: self._set("read_only", "1", "0")),
            Fault("database without connections", 2, "database", lambda: self._set("max_connections", "10", "100")),
            Fault("source rows locked by others", 4, "source", self._lock),
        ]
        if field.networks:
            self._faults.append(Fault("network parted", 8, "network", self._part))

        if field.broker is not None:
            self._faults += self._of_broker(field.broker)

    def _of_broker(self, broker: Broker) -> list[Fault]:
        link = broker.link
        return [
            Fault("broker: connections reset", 3, "broker", lambda: self._tear(link)),
            Fault("broker: cut at a byte", 3, "broker", lambda: self._cut(link, Way.THERE, 2000)),
            Fault("broker: answer cut at a byte", 3, "broker", lambda: self._cut(link, Way.BACK, 2000)),
            Fault("broker: bytes taken, never answered", 3, "broker", lambda: self._be_deaf(link)),
            Fault("broker: late", 2, "broker", lambda: self._be_late(link, 0.3)),
            Fault("broker: out of reach", 3, "broker", lambda: self._shut(link)),
            Fault("broker killed and started again", 2, "broker", lambda: _in_thread(broker.restart)),
            Fault("broker: queue purged", 3, "broker", lambda: _in_thread(broker.purge)),
            Fault("broker: publishers blocked", 2, "broker", lambda: self._block(broker)),
        ]

    async def rage(self, seconds: float) -> None:
        """Until so many have passed, or a run has found nothing left to do. Everything is undone when this returns."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        async with asyncio.TaskGroup() as under_way:
            while loop.time() < ends and not self._crew.is_done.is_set():
                [fault] = self._random.choices(self._faults, [fault.weight for fault in self._faults])
                if fault.place not in self._disturbed:
                    under_way.create_task(self._do(fault))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._random.uniform(0, self._pause)):
                        await self._crew.is_done.wait()
        self._field.heal()

    async def _do(self, fault: Fault) -> None:
        if fault.place is not None:
            self._disturbed.add(fault.place)
        try:
            has_happened = await fault.act()  # others of its name may end meanwhile
            self.done[fault.name] += has_happened
        finally:
            self._disturbed.discard(fault.place or "")

    # Workers.

    async def _kill(self) -> bool:
        if (worker := self._crew.draw(self._random)) is None:
            return False
        worker.is_busy = True
        return worker.send(signal.SIGKILL)

    async def _ask(self) -> bool:
        if (worker := self._crew.draw(self._random)) is None:
            return False
        worker.is_busy = True
        was_asked = worker.send(signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(worker.ended.wait(), LET_GO)
        worker.is_busy = False
        return was_asked

    async def _ask_and_kill(self) -> bool:
        if (worker := self._crew.draw(self._random)) is None:
            return False
        worker.is_busy = True
        worker.send(signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(worker.ended.wait(), self._random.uniform(0, 0.3))
        return worker.send(signal.SIGKILL)

    async def _stop(self) -> bool:
        if (worker := self._crew.draw(self._random)) is None:
            return False
        await self._hold(worker)
        was_still = worker.send(signal.SIGCONT)
        worker.is_busy = False
        return was_still

    async def _freeze(self) -> bool:
        if (worker := self._crew.draw(self._random)) is None:
            return False
        await self._hold(worker)
        return worker.send(signal.SIGKILL)

    async def _hold(self, worker: Worker) -> None:
        worker.is_busy = True
        worker.send(signal.SIGSTOP)
        await asyncio.sleep(LEASE * self._random.uniform(1.05, 1.6))

    async def _part(self) -> bool:
        network = self._random.choice(self._field.networks)
        network.part()
        await asyncio.sleep(LEASE * self._random.uniform(0.1, 1.6))
        network.heal()
        return True

    # The API.

    async def _storm(self) -> bool:
        return await self._weather(STORM)

    async def _fail(self) -> bool:
        return await self._weather("fail-before=1,fail-after=1")

    async def _throttle(self) -> bool:
        return await self._weather("throttle=1")

    async def _weather(self, mix: str) -> bool:
        self._field.stage.oracle.tell(mix=mix, seed=self._random.randrange(1_000_000))
        await asyncio.sleep(self._random.uniform(0.2, 2.0))
        self._field.stage.oracle.tell(mix="accept=1")
        return True

    # Links.

    async def _tear(self, link: LinkProcess) -> bool:
        link.tear()
        return True

    async def _shut(self, link: LinkProcess) -> bool:
        link.shut(until_opened=True)
        await asyncio.sleep(self._random.uniform(0.2, 2.0))
        link.heal()
        return True

    async def _be_deaf(self, link: LinkProcess) -> bool:
        link.be_deaf(until_healed=True)
        await asyncio.sleep(self._random.uniform(0.2, 2.5))
        link.heal()
        return True

    async def _be_late(self, link: LinkProcess, most: float) -> bool:
        link.be_late(self._random.uniform(0.01, most))
        await asyncio.sleep(self._random.uniform(0.5, 2.0))
        link.heal()
        return True

    async def _cut(self, link: LinkProcess, way: Way, furthest: int) -> bool:
        return await self._trap(link, Trap(At.BYTE, Does.CUT, self._random.randint(1, furthest), way))

    async def _cut_packet(self) -> bool:
        return await self._trap(self._field.database, Trap(At.PACKET, Does.CUT, self._random.randint(1, 100)))

    async def _lose_commit(self, does: Does) -> bool:
        return await self._trap(self._field.database, Trap(At.COMMIT, does, self._random.randint(1, 10)))

    async def _trap(self, link: LinkProcess, trap: Trap) -> bool:
        before = link.sprung
        link.set_trap(trap)
        for _ in range(int(TRAP_PATIENCE / 0.1)):
            await asyncio.sleep(0.1)
            if link.sprung > before:
                return True
        link.set_trap(None)
        return link.sprung > before

    # The broker.

    async def _block(self, broker: Broker) -> bool:
        await _in_thread(partial(broker.block, blocks=True))
        await asyncio.sleep(self._random.uniform(0.5, 4.0))
        return await _in_thread(partial(broker.block, blocks=False))

    # The database.

    async def _restart(self) -> bool:
        await self._field.restart_the_server()
        return True

    async def _set(self, variable: str, bad: str, good: str) -> bool:
        async with self._field.server.asking() as ask:
            await ask(f"SET GLOBAL {variable} = {bad}")
            await asyncio.sleep(self._random.uniform(0.3, 2.5))
            await ask(f"SET GLOBAL {variable} = {good}")
        return True

    async def _lock(self) -> bool:
        """Some rows in a row, wherever. (The server may be killed meanwhile: then they are free.)"""
        first = self._random.randint(1, self._rows)
        with suppress(DBAPIError, OSError):
            async with self._field.server.asking() as ask:
                await ask("BEGIN")
                await ask(f"SELECT id FROM items WHERE id BETWEEN {first} AND {first + self._rows // 20} FOR UPDATE")
                await asyncio.sleep(self._random.uniform(0.5, 4.0))
                await ask("ROLLBACK")
                return True
        return False


async def _in_thread(act: Callable[[], None]) -> bool:
    await asyncio.to_thread(act)
    return True
