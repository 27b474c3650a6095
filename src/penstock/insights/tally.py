"""What a walk over all rows of a ledger finds: counts, causes with examples, the receipts' checksum. Pure, in flat memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias

from penstock.insights.receipts import Checksum, ReceiptsSum
from penstock.insights.timeline import TimelineSum
from penstock.ledger.rows import LedgerRow
from penstock.ledger.states import RowState
from penstock.rows import KeyText

EXAMPLES = 3  # of each cause
MOST_CAUSES = 5000  # told apart; what is more has most likely a reason of its own in every row
_EXPLAINED = (RowState.FAILED, RowState.IN_DOUBT, RowState.SKIPPED)
_IN_PICTURES = frozenset({RowState.IMPORTED, RowState.FAILED, RowState.IN_DOUBT})

_Answered: TypeAlias = tuple[RowState, int | None]


class ExplainedCause(NamedTuple):
    """rows: how many share state, status and reason; examples: the first keys of them."""

    state: RowState
    status: int | None
    reason: str
    rows: int
    examples: Sequence[KeyText]


@dataclass(frozen=True, slots=True)
class Tally:
    """causes: of failed, in-doubt and skipped rows, the most frequent first. further_causes: rows by state whose reasons were too
    many to tell apart. answers: rows by state and the HTTP status of the last answer. last_change: of any row."""

    rows: Mapping[RowState, int]
    causes: Sequence[ExplainedCause]
    further_causes: Mapping[RowState, int]
    answers: Mapping[_Answered, int]
    attempts: int
    last_change: datetime | None
    receipts: Checksum


@dataclass(slots=True)
class _Cause:
    rows: int = 0
    examples: list[KeyText] = field(default_factory=list)


class RowsSum:
    """Rows come in the order of their keys' texts. timeline: knows the series "imported", "failed" and "in_doubt"."""

    def __init__(self, timeline: TimelineSum) -> None:
        self._timeline = timeline
        self._answers: Counter[_Answered] = Counter()
        self._attempts = 0
        self._last: datetime | None = None
        self._causes: dict[tuple[RowState, int | None, str], _Cause] = {}
        self._further: Counter[RowState] = Counter()
        self._receipts = ReceiptsSum()

    def add(self, row: LedgerRow) -> None:
        self._answers[row.state, row.status] += 1
        self._attempts += row.attempts
        if self._last is None or row.updated_at > self._last:
            self._last = row.updated_at
        if row.state in _IN_PICTURES:
            self._timeline.add(row.state.value, row.updated_at)
        if row.state is RowState.IMPORTED:
            self._receipts.add(row)
        elif row.state in _EXPLAINED:
            self._explain(row)

    def _explain(self, row: LedgerRow) -> None:
        named = (row.state, row.status, row.reason or "")
        cause = self._causes.get(named)
        if cause is None:
            if len(self._causes) >= MOST_CAUSES:
                self._further[row.state] += 1
                return
            cause = self._causes[named] = _Cause()
        cause.rows += 1
        if len(cause.examples) < EXAMPLES:
            cause.examples.append(row.key)

    @property
    def tally(self) -> Tally:
        rows = dict.fromkeys(RowState, 0)
        for (state, _), count in self._answers.items():
            rows[state] += count
        causes = [ExplainedCause(*named, cause.rows, tuple(cause.examples)) for named, cause in self._causes.items()]
        return Tally(
            rows=rows,
            causes=sorted(causes, key=lambda cause: (-cause.rows, cause.state, cause.reason, cause.status or 0)),
            further_causes=dict(self._further),
            answers=dict(sorted(self._answers.items(), key=lambda item: (-item[1], item[0][1] or 0))),
            attempts=self._attempts,
            last_change=self._last,
            receipts=self._receipts.checksum,
        )
