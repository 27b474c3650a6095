"""What the checker looks at: the oracle's log, the ledger's tables, the audit of its rows, the source, and every text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeAlias

from tests.proof.record import Line

Record: TypeAlias = Mapping[str, object]
FINAL = ("imported", "failed", "in_doubt", "skipped")


class Transition(NamedTuple):
    """One row of the ledger was written. before: None: it was not there. after: None: it is gone."""

    key: str
    before: str | None
    after: str | None
    range_no: int


@dataclass(frozen=True)
class Ledger:
    """The tables `penstock_*`, each as its rows by column name."""

    rows: Sequence[Record] = ()
    ranges: Sequence[Record] = ()
    windows: Sequence[Record] = ()
    events: Sequence[Record] = ()
    jobs: Sequence[Record] = ()
    workers: Sequence[Record] = ()

    def states(self) -> Mapping[str, str]:
        return {str(row["row_key"]): str(row["state"]) for row in self.rows}

    def events_of(self, *kinds: str) -> Sequence[Record]:
        return [event for event in self.events if event["kind"] in kinds]

    def events_about(self, key: str | None) -> Sequence[Record]:
        """key: None: those about no row in particular."""
        return self._by_row.get(key, ())

    @cached_property
    def _by_row(self) -> Mapping[object, Sequence[Record]]:
        by_row: defaultdict[object, list[Record]] = defaultdict(list)
        for event in self.events:
            by_row[event["row_key"]].append(event)
        return by_row


@dataclass(frozen=True)
class Evidence:
    """in_scope: the keys that the job's query shows. flags: key → flag, of the whole table. before, after: key → all other
    columns, as they were before the first run and as they are. texts: where something was printed or stored → what.

    idempotent: as the job says. honours_keys: the oracle applies nothing twice under one key.
    is_over: a run has ended by itself after all faults had stopped; ended: its exit code; seconds: how long it took;
    patience: how long it may. may_be_in_doubt: how many rows at the most, if somebody knows.
    """

    idempotent: bool
    honours_keys: bool
    in_scope: frozenset[str]
    log: Sequence[Line]
    ledger: Ledger
    transitions: Sequence[Transition]
    flags: Mapping[str, int]
    before: Mapping[str, Sequence[object]]
    after: Mapping[str, Sequence[object]]
    texts: Mapping[str, str] = field(default_factory=dict)
    canaries: Mapping[str, str] = field(default_factory=dict)
    is_over: bool = True
    ended: int | None = 0
    seconds: float = 0.0
    patience: float = 30.0
    may_be_in_doubt: int | None = None


class Finding(NamedTuple):
    """invariant: I1 to I10, as docs/reliability.md lists them."""

    invariant: str
    words: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.words}"
