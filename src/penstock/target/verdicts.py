"""What an attempt showed. Five verdicts, each a value; whoever handles one handles all (`match` with `assert_never`).

The question behind them is never "did it work?" but "may the row have been applied?".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias


class Blame(Enum):
    """Whose fault an answer is, and so what waits."""

    ROW = "row"  # the row fails
    MOMENT = "moment"  # the API asks to try again: the row waits and an attempt is counted
    JOB = "job"  # 401, a redirect, not reachable ...: the run holds and no row is charged


class Accepted(NamedTuple):
    """Applied, and proven by a complete answer to this row's own request. (No dataclass: there is one for nearly every row.)"""

    status: int
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A complete answer that proves that nothing was applied."""

    status: int
    reason: str
    blame: Blame = Blame.ROW
    answer: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte of the request was handed to the kernel: nothing can have been applied. Always the job's matter."""

    reason: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """Nothing applied, too fast. retry_after: seconds the API asks for (clamped to 0..3600), or None."""

    status: int
    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been applied and no answer proves it. blame=JOB also holds the run (a login page where JSON was due)."""

    reason: str
    status: int | None = None
    answer: str = ""
    blame: Blame = Blame.MOMENT


Verdict: TypeAlias = Accepted | Refused | NotSent | Throttled | Unknown


@dataclass(frozen=True, slots=True)
class Found:
    """The API was asked about a row in doubt and has it."""

    status: int
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The API was asked about a row in doubt and does not have it, at the moment it was asked."""

    status: int


@dataclass(frozen=True, slots=True)
class StillInDoubt:
    """The API was asked and nothing follows. blame: ROW: that is what the API says of this row; MOMENT: it is not well; JOB: it
    was not asked properly (401, a redirect, not reachable ...), and what it says is about no row at all.
    retry_after: seconds the API asks to wait, or None."""

    reason: str
    status: int | None = None
    answer: str = ""
    blame: Blame = Blame.ROW
    retry_after: float | None = None


ProbeVerdict: TypeAlias = Found | Absent | StillInDoubt
