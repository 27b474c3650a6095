"""What the event log tells of a job since its ledger was reset last: runs, job files, and all that was out of the ordinary. Pure,
in flat memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from penstock.events import EventKind
from penstock.insights.timeline import TimelineSum
from penstock.ledger.events import StoredEvent

EXAMPLES = 3  # of each kind
FURTHER_ATTEMPTS = "further_attempts"
MOST_RUNS = 10_000  # kept; more are counted
_STARTED = re.compile(r"(?P<host>.*), pid (?P<pid>\d+), job file (?P<file_hash>\w*)")


@dataclass(frozen=True, slots=True)
class Run:
    """One worker from its start to its end. ended: None if it did not end in good order, or not yet; end: why it did."""

    started: datetime
    host: str
    pid: str
    file_hash: str
    ended: datetime | None = None
    end: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """Events of one kind: how many, the first and the last of them, and some examples."""

    kind: EventKind
    events: int
    first: datetime
    last: datetime
    examples: Sequence[StoredEvent]


@dataclass(frozen=True, slots=True)
class FileUse:
    """A version of the job file: runs that used it, the first and the last of their starts."""

    file_hash: str
    runs: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Chronicle:
    """reset: when the ledger was made to forget its rows, last; what was before that is left out. runs: in order of their
    start, of `run_count` in all. happenings: in the order of `EventKind`, without runs' starts and ends."""

    reset: datetime | None
    runs: Sequence[Run]
    run_count: int
    hosts: int
    files: Sequence[FileUse]
    happenings: Sequence[Happening]

    @property
    def sent_twice(self) -> int:
        """Accepted rows that had gone out again: the new system may hold them twice."""
        return sum(one.events for one in self.happenings if one.kind is EventKind.SENT_TWICE)


@dataclass(slots=True)
class _Seen:
    events: int
    first: datetime
    last: datetime
    examples: list[StoredEvent] = field(default_factory=list)


class EventsSum:
    """Events come in the order in which they were written. timeline: knows the series "further_attempts"."""

    def __init__(self, timeline: TimelineSum) -> None:
        self._timeline = timeline
        self._reset: datetime | None = None
        self._forget()

    def _forget(self) -> None:
        self._timeline.forget(FURTHER_ATTEMPTS)
        self._runs: dict[str, Run] = {}
        self._run_count = 0
        self._hosts: set[str] = set()
        self._files: dict[str, FileUse] = {}
        self._kinds: dict[EventKind, _Seen] = {}

    def add(self, event: StoredEvent) -> None:
        if event.kind is EventKind.LEDGER_RESET:
            self._forget()
            self._reset = event.at
        elif event.kind is EventKind.RUN_STARTED:
            self._start(event)
        elif event.kind is EventKind.RUN_ENDED:
            self._end(event)
        else:
            self._note(event)

    def _start(self, event: StoredEvent) -> None:
        found = _STARTED.fullmatch(event.detail)
        host, pid, file_hash = found.group("host", "pid", "file_hash") if found else ("", "", "")
        self._run_count += 1
        if len(self._runs) < MOST_RUNS:
            self._runs[event.owner or str(self._run_count)] = Run(event.at, host, pid, file_hash)
            self._hosts.add(host)
        before = self._files.get(file_hash, FileUse(file_hash, 0, event.at, event.at))
        self._files[file_hash] = FileUse(file_hash, before.runs + 1, before.first, event.at)

    def _end(self, event: StoredEvent) -> None:
        run = self._runs.get(event.owner or "")
        if run is not None:
            self._runs[event.owner or ""] = Run(run.started, run.host, run.pid, run.file_hash, event.at, event.detail)

    def _note(self, event: StoredEvent) -> None:
        seen = self._kinds.get(event.kind)
        if seen is None:
            seen = self._kinds[event.kind] = _Seen(0, event.at, event.at)
        if event.kind is EventKind.FURTHER_ATTEMPT:
            self._timeline.add(FURTHER_ATTEMPTS, event.at)
        seen.events += 1
        seen.last = event.at
        if len(seen.examples) < EXAMPLES:
            seen.examples.append(event)

    @property
    def chronicle(self) -> Chronicle:
        return Chronicle(
            reset=self._reset,
            runs=tuple(self._runs.values()),
            run_count=self._run_count,
            hosts=len(self._hosts),
            files=tuple(self._files.values()),
            happenings=tuple(
                Happening(kind, seen.events, seen.first, seen.last, tuple(seen.examples))
                for kind in EventKind
                if (seen := self._kinds.get(kind)) is not None
            ),
        )
