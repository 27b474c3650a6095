"""A job of a few rows, run, hit and looked at again and again: what the kill and errno sweeps stand on."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Timer

from tests.proof.points import Point
from tests.proof.processes import Nursery
from tests.proof.stage import RUN, Ran, Stage, Terms
from tests.proof.strace import Strace

PATIENCE = 30.0  # seconds that a run of a few rows may take, whatever has been done to it
ROWS = 8
CONCURRENCY = 3
_DELIVERY = f"concurrency: {CONCURRENCY}, timeout: {{connect: 2s, total: 5s}}, backoff: {{first: 1ms, max: 5ms}}, stop_at: never"


class Lane(Stage):
    """url: of a new and empty database. Use it in `with`; every run is made by hand in between."""

    def __init__(self, nursery: Nursery, url: str, folder: Path, *, idempotent: bool, seed: int) -> None:
        terms = Terms(idempotent=idempotent, seed=seed, rows=ROWS, delivery=_DELIVERY, patience=PATIENCE / 3)
        super().__init__(nursery, url, folder, terms)

    def __enter__(self) -> Lane:
        self.nursery.warm_up(self.place, RUN)
        return self

    def reset(self, mix: str, seed: int) -> None:
        """As if nothing had ever run. mix, seed: what the oracle does from now on."""
        self.run_async(self.database.reset())
        for leftover in (self.job / "state", self.job / ".penstock"):
            shutil.rmtree(leftover, ignore_errors=True)
        self.texts.clear()
        self.oracle.tell(quiet=True, forget=True, mix=mix, seed=seed)
        self.log_begins = self.log.stat().st_size

    def run(self, name: str, *, point: Point | None = None, traced: bool = False) -> Ran:
        """`penstock run`, hit at `point`. traced: its calls are looked at."""
        began = time.monotonic()
        child = self.nursery.start(self.place, RUN, name, held=point is not None or traced)
        too_late = Timer(PATIENCE, os.kill, (child, signal.SIGKILL))
        too_late.start()
        trace: Sequence[str] = ()
        if point is not None or traced:
            with Strace(child, self.job.parent / f"{name}.strace", point) as strace:
                self.nursery.go(child)
                code = self.nursery.wait(child)
            trace = strace.trace()
        else:
            code = self.nursery.wait(child)
        too_late.cancel()
        seconds = time.monotonic() - began
        self.keep_texts(name)
        return Ran(code, seconds, seconds >= PATIENCE, trace)
