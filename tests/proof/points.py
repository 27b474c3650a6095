"""From the trace of a clean run to the points at which to end or to disturb the next one. Pure.

strace counts the calls of each thread by itself, and the first thread to come to the number is hit. So a call is aimed at by a
set of system calls in which its own thread is ahead of all the others: for a run of one thread that is the call's own name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random
from typing import NamedTuple

# What a run shows to others by, or sees of them: sockets, files and what holds them. Its other calls change nothing out there.
CALLS = frozenset(
    [
        "accept4",
        "close",
        "connect",
        "creat",
        "fallocate",
        "fdatasync",
        "flock",
        "fsync",
        "ftruncate",
        "link",
        "linkat",
        "mkdir",
        "mkdirat",
        "openat",
        "pwrite64",
        "pwritev",
        "pwritev2",
        "read",
        "readv",
        "recvfrom",
        "recvmsg",
        "rename",
        "renameat",
        "renameat2",
        "send",
        "sendfile",
        "sendmmsg",
        "sendmsg",
        "sendto",
        "shutdown",
        "socket",
        "sync_file_range",
        "unlink",
        "unlinkat",
        "write",
        "writev",
    ]
)
_ENTRY = re.compile(r"^(\d+)\s+(\w+)\(")

_READING = ("ECONNRESET", "EIO", "EINTR")
_WRITING = ("ECONNRESET", "EPIPE", "ENOSPC", "EIO", "EINTR")
_STORING = ("ENOSPC", "EIO")
# What the kernel may answer to each call. A call that is not here is left alone.
ERRORS = {
    **dict.fromkeys(("read", "readv", "recvfrom", "recvmsg"), _READING),
    **dict.fromkeys(("write", "writev", "send", "sendto", "sendmsg", "sendmmsg"), _WRITING),
    **dict.fromkeys(("pwrite64", "pwritev", "fsync", "fdatasync", "ftruncate", "fallocate"), _STORING),
    **dict.fromkeys(("rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat"), _STORING),
    "openat": ("ENOSPC", "EIO", "EMFILE"),
    "socket": ("EMFILE",),
    "connect": ("ECONNREFUSED", "ECONNRESET", "EINTR"),
    "close": ("EIO", "EINTR"),
    "shutdown": ("ECONNRESET",),
}


class Call(NamedTuple):
    thread: str
    name: str


@dataclass(frozen=True, slots=True)
class Point:
    """Where a run is hit: at the number-th call of these names that one of its threads makes. effect: a signal, which comes
    before the call is made; or the error that the call answers, without being made."""

    calls: tuple[str, ...]
    number: int
    effect: str = "SIGKILL"

    def __str__(self) -> str:
        return f"{'+'.join(self.calls)}/{self.number}/{self.effect}"

    @classmethod
    def parse(cls, text: str) -> Point:
        calls, number, effect = text.split("/")
        return cls(tuple(calls.split("+")), int(number), effect)

    @property
    def is_deadly(self) -> bool:
        return self.effect == "SIGKILL"

    @property
    def mark(self) -> str:
        """What stands in a trace if the run came to the point."""
        if self.is_deadly:
            return "+++ killed by SIGKILL +++"
        return f"--- {self.effect} " if self.effect.startswith("SIG") else "(INJECTED)"

    @property
    def injection(self) -> str:
        """For `strace -e inject=`."""
        kind = "signal" if self.effect.startswith("SIG") else "error"
        return f"{','.join(self.calls)}:{kind}={self.effect}:when={self.number}"


def calls_in(trace: Iterable[str]) -> list[Call]:
    """trace: lines of `strace -f -o`, in order. Each call once, where it began."""
    return [Call(*found.groups()) for line in trace if (found := _ENTRY.match(line)) and found.group(2) in CALLS]


def kills(calls: Sequence[Call]) -> list[Point]:
    """One for each call that can be aimed at, in order."""
    names = sorted({call.name for call in calls})
    sets = [*combinations(names, 1), *combinations(names, 2), tuple(names)]
    aimed: dict[int, Point] = {}
    for chosen in sets:
        counts: Counter[str] = Counter()
        furthest = 0
        for index, call in enumerate(calls):
            if call.name in chosen:
                counts[call.thread] += 1
                if counts[call.thread] > furthest:
                    furthest = counts[call.thread]
                    aimed.setdefault(index, Point(chosen, furthest))
    return [aimed[index] for index in sorted(aimed)]


def stops(calls: Sequence[Call]) -> list[Point]:
    """The same with the signal that asks to stop softly."""
    return [replace(point, effect="SIGTERM") for point in kills(calls)]


def errors(calls: Sequence[Call]) -> list[Point]:
    """Every error of every call that can be aimed at by its own name."""
    return [
        Point(point.calls, point.number, error)
        for point in kills(calls)
        if len(point.calls) == 1
        for error in ERRORS.get(point.calls[0], ())
    ]


def sampled(points: Sequence[Point], most: int, random: Random) -> list[Point]:
    """So many of them, spread over calls and numbers by chance; all of them, in order, if there are no more."""
    return list(points) if len(points) <= most else random.sample(points, most)
