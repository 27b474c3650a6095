"""What follows from a verdict: the one place that knows. Pure: no clock, no I/O, no state.

A row ends (Settle), or goes out again (SendAgain). Whether the run holds is the pace's matter, not the row's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from penstock.ledger.base import Settlement
from penstock.ledger.states import RowState
from penstock.rows import KeyText
from penstock.target.verdicts import Accepted, Blame, NotSent, Refused, Throttled, Unknown, Verdict


@dataclass(frozen=True, slots=True)
class Policy:
    """idempotent: a repeat is harmless, for `idempotent_for` seconds after the first attempt (None: for ever).
    attempts: how many answers that ask to try again a row may collect before it fails."""

    idempotent: bool
    idempotent_for: float | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Tried:
    """A row after an attempt. attempts: counted so far, without this one. age: seconds since its first attempt began.
    holding: the run holds, so this attempt was only feeling its way."""

    key: KeyText
    attempts: int
    age: float
    holding: bool = False


@dataclass(frozen=True, slots=True)
class Settle:
    settlement: Settlement


@dataclass(frozen=True, slots=True)
class SendAgain:
    """attempts: counted so far, with this one if it counts. wait: seconds the API asked for, None: the usual backoff,
    0.0: as soon as the pace allows. sent: whether bytes of it may have gone out, so that the next send needs an event."""

    attempts: int
    reason: str
    wait: float | None
    sent: bool
    status: int | None = None


Step: TypeAlias = Settle | SendAgain


def decide(verdict: Verdict, row: Tried, policy: Policy) -> Step:
    match verdict:
        case Accepted(status, receipt):
            return Settle(Settlement(row.key, RowState.IMPORTED, row.attempts + 1, status, None, receipt))
        case Refused(status, reason, Blame.ROW, answer):
            return Settle(Settlement(row.key, RowState.FAILED, row.attempts + 1, status, reason, None, answer))
        case Refused(status, reason, Blame.JOB):
            return SendAgain(row.attempts, reason, 0.0, sent=True, status=status)
        case Refused(status, reason, Blame.MOMENT, answer):
            if row.attempts + 1 < policy.attempts:
                return SendAgain(row.attempts + 1, reason, None, sent=True, status=status)
            return Settle(_used_up(row, status, reason, answer))
        case NotSent(reason):
            return SendAgain(row.attempts, reason, 0.0, sent=False)
        case Throttled(status, reason, retry_after):
            return SendAgain(row.attempts, reason, retry_after, sent=True, status=status)
        case Unknown(reason, status, answer, blame):
            if not policy.idempotent:
                return Settle(_in_doubt(row, status, reason, answer))
            if policy.idempotent_for is not None and row.age >= policy.idempotent_for:
                return Settle(_in_doubt(row, status, f"{reason}; idempotent no longer", answer))
            if blame is Blame.JOB or row.holding:  # nobody's fault but the job's: no attempt is charged
                return SendAgain(row.attempts, reason, None, sent=True, status=status)
            if row.attempts + 1 < policy.attempts:
                return SendAgain(row.attempts + 1, reason, None, sent=True, status=status)
            return Settle(_used_up(row, status, reason, answer))
        case _:
            assert_never(verdict)


def _used_up(row: Tried, status: int | None, reason: str, answer: str) -> Settlement:
    attempts = row.attempts + 1
    return Settlement(row.key, RowState.FAILED, attempts, status, f"{reason}; attempts used up", None, answer)


def _in_doubt(row: Tried, status: int | None, reason: str, answer: str) -> Settlement:
    return Settlement(row.key, RowState.IN_DOUBT, row.attempts + 1, status, reason, None, answer)
