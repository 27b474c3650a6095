"""The workers of one job, each a process: started again whenever one ends, and stopped, resumed or killed by its own number."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.links.namespace import Namespace
from tests.proof.stage import Stage

PAUSE = 0.3  # seconds before a worker that has ended is started again
BEGINNING = 2.0  # seconds within which a signal may meet a process that does not listen to it yet
OVER = (0, 1)  # exit codes of a run that found nothing left to do


class Worker:
    """One process. is_busy: somebody is doing something to it already."""

    def __init__(self, stage: Stage, name: str, command: Sequence[str], network: Namespace | None) -> None:
        self.name = name
        self.network = network
        self.is_busy = False
        self.was_killed = self.was_asked_at_once = False
        self.ended = asyncio.Event()
        self._began = time.monotonic()
        self._process = stage.nursery.start(stage.place, command, name, network=network)
        # Readable once it has ended.
        self._file = os.pidfd_open(self._process)
        asyncio.get_running_loop().add_reader(self._file, self.ended.set)

    def send(self, number: signal.Signals) -> bool:
        """Whether there was somebody to get it. By the file, and not by a number that may be another process's by now."""
        if self.ended.is_set():
            return False
        self.was_killed |= number is signal.SIGKILL
        self.was_asked_at_once |= number is signal.SIGTERM and time.monotonic() - self._began < BEGINNING
        try:
            signal.pidfd_send_signal(self._file, number)
        except ProcessLookupError:
            return False
        return True

    async def result(self, stage: Stage) -> int:
        """Its exit code, once it has ended."""
        await self.ended.wait()
        asyncio.get_running_loop().remove_reader(self._file)
        os.close(self._file)
        code = stage.nursery.wait(self._process)
        stage.keep_texts(self.name)
        return code


class Crew:
    """Made in a running loop. commands: of penstock, one for each of them. networks: where they live, in turn; None: this
    machine's.

    codes: how often a run has ended in which way. strange: what no run may say or end with. is_done: set once a run has found
    nothing left to do.
    """

    def __init__(
        self, stage: Stage, commands: Sequence[Sequence[str]], networks: Sequence[Namespace | None] = (None,)
    ) -> None:
        self.codes: Counter[int] = Counter()
        self.strange: list[str] = []
        self.is_done = asyncio.Event()
        self._stage = stage
        self._is_over = False
        self._number = 0
        self._at_work: set[Worker] = set()
        self._slots = [
            asyncio.create_task(self._keep(command, networks[slot % len(networks)]))
            for slot, command in enumerate(commands)
        ]

    def draw(self, random: Random) -> Worker | None:
        """One that works, and that nobody does anything to."""
        free = [worker for worker in self._at_work if not worker.is_busy and not worker.ended.is_set()]
        free.sort(key=lambda worker: worker.name)
        return random.choice(free) if free else None

    async def dismiss(self, patience: float) -> None:
        """Ask all of them to stop, and wait until they have."""
        self._is_over = True
        for worker in self._at_work:
            worker.send(signal.SIGTERM)
        _, late = await asyncio.wait(self._slots, timeout=patience)
        if late:
            names = ", ".join(sorted(worker.name for worker in self._at_work))
            self.strange.append(f"{patience:.0f} s after a SIGTERM there are still {names}")
            self.kill()
        await asyncio.gather(*self._slots)

    def kill(self) -> None:
        """Leave nobody behind, whatever has gone wrong."""
        self._is_over = True
        for worker in self._at_work:
            worker.send(signal.SIGKILL)

    async def _keep(self, command: Sequence[str], network: Namespace | None) -> None:
        while not self._is_over:
            self._number += 1
            worker = Worker(self._stage, f"worker-{self._number}", command, network)
            self._at_work.add(worker)
            code = await worker.result(self._stage)
            self._at_work.remove(worker)
            self._judge(worker, code)
            await asyncio.sleep(PAUSE)

    def _judge(self, worker: Worker, code: int) -> None:
        self.codes[code] += 1
        if code in OVER:
            self.is_done.set()
        said = self._stage.texts[f"stderr of the {worker.name} run"]
        by_signal = {-signal.SIGKILL: worker.was_killed, -signal.SIGTERM: worker.was_asked_at_once}
        is_known = code in (*OVER, 2, 3) or by_signal.get(code, False)
        if not is_known or "Traceback" in said:
            self.strange.append(f"{worker.name} ended with {code}:\n{said}")
