"""When runs are killed, and how: kill -9, at moments that a seed draws."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from random import Random

from examples.shop.journey.servers import ask
from examples.shop.journey.stage import CommandFailed, Stage

# By turns: an API that honours keys twice, and one that is asked what has arrived.
_KILLED = ("orders", "customers", "payments")
_EARLIEST, _LATEST = 0.1, 0.75  # later, a small run may end before it is looked at again
_SECONDS_BETWEEN_LOOKS = 0.1


def moments(kills: int, rows: Mapping[str, int], *, seed: int) -> Mapping[str, Sequence[int]]:
    """Job → how many of its rows have been flagged when its run is killed, ascending. rows: of each job."""
    random = Random(f"kills {seed}")
    drawn: dict[str, list[int]] = defaultdict(list)
    for job in islice(cycle(_KILLED), kills):
        drawn[job].append(int(rows[job] * random.uniform(_EARLIEST, _LATEST)))
    return {job: sorted(each) for job, each in drawn.items()}


def run_and_kill(stage: Stage, old_shop: str, job: str, *, at: int) -> None:
    """Let the run go on until so many rows are flagged in the old shop, which is asked without penstock; then kill it."""
    with stage.running(f"run {job}.yaml") as run:
        while (flagged := _flagged(old_shop, job)) < at:
            if (exit_code := run.poll()) is not None:
                raise CommandFailed(f"`penstock run {job}.yaml` ended with {exit_code} before it was killed")
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        run.kill()
        run.wait()
    print(f"$ kill -9 {run.pid}     # {flagged:,} rows were flagged by then", flush=True)


def _flagged(old_shop: str, job: str) -> int:
    [(flagged,)] = ask(old_shop, f"SELECT COUNT(*) FROM {job} WHERE is_import = 1")  # noqa: S608  one of our own tables
    return int(flagged)
