"""What a process and its children have used so far, read from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> Iterator[int]:
    """`pid` and every living descendant."""
    yield pid
    for children in (_PROC / str(pid) / "task").glob("*/children"):
        try:
            numbers = children.read_text().split()
        except OSError:  # that thread has ended meanwhile
            continue
        for number in numbers:
            yield from tree(int(number))


def cpu_seconds(pid: int) -> float:
    """Processor time of the process, of its living descendants, and of those that it has waited for."""
    return sum(_own_cpu_seconds(one) for one in tree(pid))


def peak_megabytes(pid: int) -> float:
    """The most resident memory that each of the living ones has had, added up."""
    return sum(_own_peak_kilobytes(one) for one in tree(pid)) / 1024


def _own_cpu_seconds(pid: int) -> float:
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces
    return sum(map(int, fields[11:15])) / _TICKS_PER_SECOND


def _own_peak_kilobytes(pid: int) -> int:
    # VmHWM and not the ru_maxrss of wait4(): the latter begins with the memory of whoever started the process.
    try:
        status = (_PROC / str(pid) / "status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
