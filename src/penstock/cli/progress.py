"""Shows a live run on stderr: a bar where it is a terminal, else one plain line every few seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from penstock.cli.standing import Follower, Standing, done_of_total, one_line, speeds
from penstock.engine.report import Progress
from penstock.insights.words import number

SECONDS_BETWEEN_LINES = 5.0
FIRST_LINE_AFTER = 1.0  # a run that is over sooner has its summary

Show: TypeAlias = Callable[[Progress], None]


@contextmanager
def display(job: str, console: Console) -> Iterator[Show]:
    """Within the block, what is handed to the function is shown."""
    if not console.is_terminal:
        yield PlainLines(job, console).show
        return
    follower = Follower(job)
    # transient: the summary takes the bar's place.
    with Live(Text(f"{job}: starting"), console=console, refresh_per_second=4, transient=True) as live:
        yield lambda progress: live.update(bar(follower.look(progress)))


class PlainLines:
    """A line every few seconds, and at once when a hold or a trouble begins or ends."""

    def __init__(self, job: str, console: Console) -> None:
        self._follower = Follower(job)
        self._console = console
        self._next_at = FIRST_LINE_AFTER
        self._told = ("", "")

    def show(self, progress: Progress) -> None:
        standing = self._follower.look(progress)
        if progress.elapsed < self._next_at and (standing.hold, standing.trouble) == self._told:
            return
        self._told = (standing.hold, standing.trouble)
        self._next_at = progress.elapsed + SECONDS_BETWEEN_LINES
        self._console.print(one_line(standing))


def bar(standing: Standing) -> Group:
    """Two lines, and a further one while the run waits or has trouble."""
    head = Table.grid(padding=(0, 2))
    share = standing.totals.share
    head.add_row(
        Text(standing.job, style="bold"),
        ProgressBar(total=1.0, completed=share or 0.0, width=30, pulse=share is None),
        Text(done_of_total(standing.totals)),
        Text(", ".join(speeds(standing))),
    )
    detail = Text("  ")
    detail.append(f"{standing.in_flight} of {standing.concurrency} in flight")
    detail.append(f", limited by {standing.limited_by}" if standing.limited_by else "")
    detail.append(", ")
    detail.append(f"{number(standing.failed)} failed", style="red" if standing.failed else "")
    detail.append(", ")
    detail.append(f"{number(standing.in_doubt)} in doubt", style="yellow" if standing.in_doubt else "")
    further = [f"  holding: {standing.hold}"] if standing.hold else []
    further += [f"  {standing.trouble}"] if standing.trouble else []
    return Group(head, detail, *(Text(line, style="yellow") for line in further))
