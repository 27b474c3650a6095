"""How it goes on a large table: what a row costs at the beginning and at the end, memory, and a start with little left to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.api import Api
from benchmarks.cases import PENSTOCK
from benchmarks.figures import CommandFailed, Sample, watch
from benchmarks.rounds import say
from benchmarks.shop import Shop, multiplied
from benchmarks.task import Task

_LEFT = 100  # of so many rows, one is left for the second run
_SHARES = 10


@dataclass(frozen=True, slots=True)
class Scale:
    """cpu: client seconds for 10,000 rows in each tenth of the run. megabytes: the peak by the end of each."""

    rows: int
    cpu: tuple[float, ...]
    megabytes: tuple[float, ...]
    seconds_to_first_post: float


def measure(template: Shop, *, times: int, api: Api) -> Scale:
    say(f"making a shop of {template.rows * times:,} orders")
    with multiplied(template, times) as shop, TemporaryDirectory() as folder:
        task = Task(folder=Path(folder), database=shop.url(), api=api.url(0), rows=shop.rows)
        PENSTOCK.peer.get_ready(task)
        database_process = template.server.process()
        run = PENSTOCK.peer.command(task)
        most = shop.rows - shop.rows // _LEFT
        say(f"delivering {most:,} of them, then the rest")
        first = watch([*run, "--limit", str(most)], folder=task.folder, api=api, database_process=database_process)
        second = watch(run, folder=task.folder, api=api, database_process=database_process)
        if (flagged := shop.flagged()) != shop.rows:
            raise CommandFailed(f"flagged {flagged:,} of {shop.rows:,} rows")
    return scale(first, second, most, shop.rows)


def scale(first: Sequence[Sample], second: Sequence[Sample], most: int, rows: int) -> Scale:
    """first: of a run that left few rows; most: how many it sent. second: of the run after it."""
    borders = [
        next(sample for sample in first if sample.posts >= most * share / _SHARES) for share in range(1, _SHARES)
    ]
    borders = [next(sample for sample in first if sample.posts), *borders, first[-1]]
    return Scale(
        rows=rows,
        cpu=tuple(
            (end.client_cpu - begin.client_cpu) / (end.posts - begin.posts) * 10_000 for begin, end in pairwise(borders)
        ),
        megabytes=tuple(border.megabytes for border in borders[1:]),
        seconds_to_first_post=next(sample.seconds for sample in second if sample.posts),
    )
