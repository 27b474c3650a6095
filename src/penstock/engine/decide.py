"""What follows from a verdict: the one place that knows. Pure: no clock, no I/O, no state.

A row ends (Settlement), or goes out again (SendAgain). Whether the run holds is the pace's matter, not the row's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, assert_never

from penstock.ledger.rows import Settlement
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


class Tried(Protocol):
    """A row after an attempt. attempts: counted so far, without this one. sent_as: the fingerprint of what may have arrived."""

    key: KeyText
    attempts: int
    sent_as: int | None


class SendAgain(NamedTuple):
    """attempts: counted so far, with this one if it counts. wait: seconds the API asked for, None: the usual backoff,
    0.0: as soon as the pace allows. status: of the answer, if one came."""

    attempts: int
    reason: str
    wait: float | None
    status: int | None = None


Step: TypeAlias = Settlement | SendAgain


def decide(verdict: Verdict, row: Tried, policy: Policy, *, age: float, holding: bool) -> Step:
    """age: seconds since the row may first have been applied. holding: the run holds, and this was only feeling its way."""
    match verdict:
        case Accepted():
            return imported(verdict, row)
        case Refused(status, reason, Blame.ROW, answer):
            return Settlement(row.key, RowState.FAILED, row.attempts + 1, status, reason, None, answer)
        case Refused(status, reason, Blame.JOB):
            return SendAgain(row.attempts, reason, 0.0, status)
        case Refused(status, reason, _, answer):  # the moment is to blame
            return _charge(row, policy, status, reason, answer)
        case NotSent(reason):
            return SendAgain(row.attempts, reason, 0.0)
        case Throttled(status, reason, retry_after):
            return SendAgain(row.attempts, reason, retry_after, status)
        case Unknown():
            return _after_unknown(verdict, row, policy, age, holding=holding)
        case _:
            assert_never(verdict)


def imported(accepted: Accepted, row: Tried) -> Settlement:
    """What follows from nearly every verdict; whoever has an Accepted need not ask `decide`."""
    return Settlement(
        row.key, RowState.IMPORTED, row.attempts + 1, accepted.status, None, accepted.receipt, None, row.sent_as
    )


def _after_unknown(unknown: Unknown, row: Tried, policy: Policy, age: float, *, holding: bool) -> Step:
    """It may have been applied: only where a repeat is harmless does it go out again."""
    if not policy.idempotent:
        return _in_doubt(row, unknown.status, unknown.reason, unknown.answer)
    if policy.idempotent_for is not None and age >= policy.idempotent_for:
        return _in_doubt(row, unknown.status, f"{unknown.reason}; idempotent no longer", unknown.answer)
    if unknown.blame is Blame.JOB or holding:  # nobody's fault but the job's: no attempt is charged
        return SendAgain(row.attempts, unknown.reason, None, unknown.status)
    return _charge(row, policy, unknown.status, unknown.reason, unknown.answer)


def _charge(row: Tried, policy: Policy, status: int | None, reason: str, answer: str) -> Step:
    """Count the attempt; the last one fails the row."""
    attempts = row.attempts + 1
    if attempts < policy.attempts:
        return SendAgain(attempts, reason, None, status)
    return Settlement(row.key, RowState.FAILED, attempts, status, f"{reason}; attempts used up", None, answer)


def _in_doubt(row: Tried, status: int | None, reason: str, answer: str) -> Settlement:
    return Settlement(row.key, RowState.IN_DOUBT, row.attempts + 1, status, reason, None, answer, row.sent_as)
