"""Counts what this worker does in this run, and notices when too many rows go wrong."""

from __future__ import annotations

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

    def attempted(self, *, first: bool) -> None:
        """A request went out, the row's first one or a further one."""
        self._attempts += 1
        self._sent += first

    def probed(self) -> None:
        """The API was asked about a row in doubt."""
        self._probes += 1

    def found(self, rows: int) -> None:
        """So many rows in doubt have turned out to have arrived."""
        self._imported += rows

    def ended(self, state: RowState) -> None:
        """A row has come to a final state."""
        self.finished += 1
        if state is RowState.IMPORTED:
            self._imported += 1
            self._mishaps.finished(bad=False)
            return
        is_bad = state in (RowState.FAILED, RowState.IN_DOUBT)
        self._mishaps.finished(bad=is_bad)
        if is_bad and self._mishaps.are_too_many:
            self._stop.drain(
                Ended.STOP_AT,
                f"{self._mishaps.bad} of the last {self._mishaps.seen} rows failed or are in doubt: delivery.stop_at",
            )
