"""How far a job is, from the ledger's counts."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.ledger.rows import Counts


@dataclass(frozen=True, slots=True)
class Totals:
    """done: rows with a final state. left: rows still to come; an estimate unless `exact`, None while nobody has counted them."""

    done: int
    left: int | None
    exact: bool

    @property
    def planned(self) -> int | None:
        return None if self.left is None else self.done + self.left

    @property
    def share(self) -> float | None:
        """0..1; None while the total is not known. A job without rows is done."""
        if self.planned is None:
            return None
        return self.done / self.planned if self.planned else 1.0


def totals(counts: Counts) -> Totals:
    done = counts.imported + counts.failed + counts.in_doubt + counts.skipped
    if counts.pending_exact:
        return Totals(done, counts.pending, exact=True)
    return Totals(done, None if counts.ahead is None else counts.pending + counts.ahead, exact=False)


def pending(counts: Counts) -> int:
    """What `--json` calls pending: every row known or expected to come; the least known where nobody has counted them."""
    return counts.pending if counts.pending_exact else counts.pending + (counts.ahead or 0)


def unclaimed(counts: Counts) -> int:
    """The same without what is claimed, where that is told beside it: each row stands in one number, and they add up."""
    return pending(counts) - counts.claimed
