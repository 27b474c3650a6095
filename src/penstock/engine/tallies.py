"""Counts what this worker does in this run, and notices when too many rows go wrong."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.engine.report import Tally
from penstock.engine.stop import Ended, Stop
from penstock.ledger.states import RowState
from penstock.pacing.mishaps import Mishaps


class Tallies:
    """mishaps: when it says that they are too many, `stop` is asked to drain."""

    def __init__(self, mishaps: Mishaps, stop: Stop) -> None:
        self.finished = 0
        self._mishaps = mishaps
        self._stop = stop
        self._sent = 0
        self._attempts = 0
        self._imported = 0
        self._probes = 0
        self.unasked = ""  # why rows in doubt could not be asked about, when that was tried last

    @property
    def tally(self) -> Tally:
        return Tally(self._sent, self._attempts, self._imported, self._probes, self.unasked)

    def attempted(self, first: int, further: int) -> None:
        """So many requests went out: rows' first ones, and further ones."""
        self._attempts += first + further
        self._sent += first

    def probed(self) -> None:
        """The API was asked about a row in doubt."""
        self._probes += 1

    def found(self, rows: int) -> None:
        """So many rows in doubt have turned out to have arrived."""
        self._imported += rows

    def ended(self, states: Sequence[RowState]) -> None:
        """Rows have come to these final states."""
        imported = states.count(RowState.IMPORTED)
        self.finished += len(states)
        self._imported += imported
        self._mishaps.finished(imported, bad=False)
        if imported < len(states):
            for state in states:
                self._look_at(state)

    def _look_at(self, state: RowState) -> None:
        is_bad = state in (RowState.FAILED, RowState.IN_DOUBT)
        if state is not RowState.IMPORTED:
            self._mishaps.finished(bad=is_bad)
        if is_bad and self._mishaps.are_too_many:
            self._stop.drain(
                Ended.STOP_AT,
                f"{self._mishaps.bad} of the last {self._mishaps.seen} rows failed or are in doubt: delivery.stop_at",
            )
