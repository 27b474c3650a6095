"""What a run is asked to do, what it shows meanwhile, and what it has done: values for whoever started it."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.engine.stop import Ended
from penstock.ledger.rows import Cause, Counts, DoubtsAhead
from penstock.rows import KeyText


@dataclass(frozen=True, slots=True)
class RunOptions:
    """limit: deliver at most so many rows. keys: deliver these alone. rate: requests per second at most, besides the job's own.
    seconds: end softly after so long. None (or empty): no such bound."""

    limit: int | None = None
    keys: tuple[KeyText, ...] = ()
    rate: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What one worker has done in one run. sent: rows that went out at least once; attempts: requests in which rows went out;
    probes: those that asked about rows in doubt. imported: rows, those found by asking among them.
    unasked: why rows in doubt could not be asked about, "" if they could."""

    sent: int = 0
    attempts: int = 0
    imported: int = 0
    probes: int = 0
    unasked: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """A look at a live run, about once a second.

    counts: the whole job, by the ledger, a second or two old. tally: this worker in this run, up to this moment.
    rows_per_second: rows that this worker finished per second, lately. elapsed: seconds since this run began.
    limited_by: in a word or two, "" when nothing slows it. hold: the reason, "" when it does not wait. trouble: what a person
    should know although the run goes on, "" for nothing.
    """

    counts: Counts
    tally: Tally
    rows_per_second: float
    elapsed: float
    in_flight: int
    concurrency: int
    limited_by: str
    hold: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one worker's run came to. counts: the whole job by the ledger, after the last commit. causes: why rows failed, are in
    doubt or were skipped. detail: why it ended, for people. doubts: the rows in doubt, and for how many
    of them it is too early to believe that they have not arrived; None: the job has no probe."""

    job: str
    ended: Ended
    detail: str
    counts: Counts
    causes: tuple[Cause, ...]
    tally: Tally
    seconds: float
    doubts: DoubtsAhead | None = None
