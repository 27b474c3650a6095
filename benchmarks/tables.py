"""Figures as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.adaptive import Adapted
from benchmarks.cases import PENSTOCK, Case
from benchmarks.figures import Figures
from benchmarks.scale import Scale
from benchmarks.verifying import Verified

_BUSY = 0.9
_BESIDE_ONE_AT_A_TIME = {0: 64, 5: 256, 20: 64}
_BESIDE_US = ("penstock", "node", "afternoon", "dlt", "threads", "drt")


def measured(found: Mapping[Case, Figures], rows: int) -> str:
    """A table for each kind of API, and the notes that belong to it."""
    parts: list[str] = []
    for (delay, in_flight), group in _groups(found).items():
        ours = next((found[case] for case in group if case.peer == PENSTOCK.peer and not case.tls), None)
        parts.append(f"### {_heading(delay, in_flight)}\n")
        parts.append(
            markdown(
                ["", "rows", "rows/s", "of penstock's", "CPU-s/10k", "MariaDB", "API", "peak MB", "one row"],
                [_line(case, found[case], ours, case.rows(rows)) for case in group],
            )
        )
        busy = [case.title.replace("**", "") for case in group if found[case].api_busy > _BUSY]
        if busy:
            parts.append(f"\nThe API was the bottleneck (a core and no more is its) of: {'; '.join(busy)}.")
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def beside_us(found: Mapping[Case, Figures]) -> str:
    """The small table of the README: everybody at 0 ms and at 20 ms, 64 in flight, no TLS."""
    lines = []
    for case, figures in found.items():
        if case.delay or case.tls or case.part not in _BESIDE_US:
            continue
        slow = next((found[other] for other in found if other.title == case.title and other.delay == 20), None)
        cells = [
            case.title,
            _thousands(figures.rows_per_second),
            f"{figures.client_cpu:.2f}",
            _times(found.get(PENSTOCK), figures),
            "–" if slow is None else _thousands(slow.rows_per_second),
        ]
        lines.append(cells)
    return markdown(["", "rows/s", "CPU seconds per 10,000 rows", "penstock is", "rows/s at 20 ms"], lines)


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *("--:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(cells).strip() + " |" for cells in (head, rule, *lines))


def _groups(found: Mapping[Case, Figures]) -> dict[tuple[int, int], list[Case]]:
    """By delay and requests in flight, drt's one beside the others' 64: more it cannot."""
    groups: dict[tuple[int, int], list[Case]] = {}
    for case in found:
        in_flight = case.in_flight if case.in_flight > 1 else _BESIDE_ONE_AT_A_TIME[case.delay]
        groups.setdefault((case.delay, in_flight), []).append(case)
    return groups


def _heading(delay: int, in_flight: int) -> str:
    when = "at once" if not delay else f"after {delay} ms"
    return f"An API that answers {when}, {in_flight} requests in flight"


def _line(case: Case, figures: Figures, ours: Figures | None, rows: int) -> list[str]:
    share = "–" if ours is None else _share(figures.rows_per_second / ours.rows_per_second)
    return [
        case.title,
        _thousands(rows),
        _thousands(figures.rows_per_second),
        share,
        f"{figures.client_cpu:.2f}" if figures.client_cpu >= 1 else f"{figures.client_cpu:.3f}",
        "–" if figures.database_cpu is None else f"{figures.database_cpu:.2f}",
        f"{figures.api_cpu:.2f}",
        f"{figures.megabytes:.0f}",
        f"{figures.one_row:.1f} s",
    ]


def _share(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def _times(ours: Figures | None, figures: Figures) -> str:
    if ours is None:
        return "–"
    if ours is figures:
        return ""
    times = ours.rows_per_second / figures.rows_per_second
    if times < 1:
        return f"{1 / times:.1f} × slower"
    return f"{times:.0f} × faster" if times >= 10 else f"{times:.1f} × faster"


def _thousands(number: float) -> str:
    return f"{number:,.0f}"


def adapting(found: Sequence[Adapted]) -> str:
    cells = [
        [
            f"{one.servers} at once",
            f"{one.reached:.1%}",
            f"{one.queued:.2f} ×",
            f"{one.waiting:.1f} ×" if one.drops else "–",
            _thousands(one.further),
        ]
        for one in found
    ]
    head = [
        "the API bears",
        "of the best rows/s",
        "p99 of the unloaded",
        "on the wire after a drop",
        "further attempts",
    ]
    return f"### `concurrency: auto`, an API that takes 20 ms and lets the rest queue\n\n{markdown(head, cells)}\n"


def large(found: Scale) -> str:
    cells = [
        [f"{number * 10} %", f"{cpu:.3f}", f"{megabytes:.0f}"]
        for number, (cpu, megabytes) in enumerate(zip(found.cpu, found.megabytes, strict=True), start=1)
    ]
    head = ["of the rows", "CPU-s/10k since the line above", "peak MB so far"]
    return f"### One table of {found.rows:,} rows\n\n{markdown(head, cells)}\n"


def verifying(found: Sequence[Verified]) -> str:
    cells = [
        [
            one.what,
            _thousands(one.rows_per_second),
            f"{one.client_cpu:.3f}",
            "–" if one.database_cpu is None else f"{one.database_cpu:.3f}",
            f"{one.megabytes:.0f}",
            f"{one.megabytes_of_a_tenth:.0f}",
        ]
        for one in found
    ]
    head = ["the new store is", "rows/s", "CPU-s/10k", "MariaDB", "peak MB", "with a tenth of the rows"]
    rows = found[0].rows if found else 0
    return f"### `penstock verify`, {rows:,} rows, each in the new store\n\n{markdown(head, cells)}\n"
