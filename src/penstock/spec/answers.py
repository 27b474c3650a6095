"""What the job file's answer expressions say about an answer: the words that `mapping` (compiles them) and `target` (acts on
them) share. The order in which they are asked is a promise: already_exists, accept, retry, refuse."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from penstock.rows import Row


class Ruling(Enum):
    """Which expression held first."""

    ALREADY_EXISTS = "already_exists"
    ACCEPT = "accept"
    RETRY = "retry"
    REFUSE = "refuse"


class Judged(NamedTuple):
    """ruling: None if no expression held. receipt: text, at most 255 characters; only with ALREADY_EXISTS and ACCEPT, and
    None where the job has no `receipt` or the answer does not hold it."""

    ruling: Ruling | None
    receipt: str | None = None


class Judge(Protocol):
    def __call__(
        self, status: int, headers: Sequence[tuple[str, str]], body: bytes, row: Row, *, accepted_by_default: bool
    ) -> Judged:
        """Ask the expressions in order. Never raises: an expression that fails does not hold.

        accepted_by_default: what stands in `accept`'s place where the job file leaves it out (a 2xx that may be believed);
        ignored where the file has an `accept`. headers: names in lower case. body: decoded bytes.
        """
        ...


class Probed(NamedTuple):
    """What the expressions of `target.probe` say about an answer. receipt: as in Judged; only with found."""

    found: bool
    absent: bool
    receipt: str | None = None


class Told(NamedTuple):
    """What the expressions of `verify` say about an answer. value: what `record` or `records` yields, numbers exact; next: what
    `next` yields, None where there is nothing; both only with found. fault: which of the two fails and why, "" if none does."""

    found: bool
    absent: bool
    value: object = None
    next: object = None
    fault: str = ""


class RecordJudge(Protocol):
    def __call__(self, status: int, headers: Sequence[tuple[str, str]], body: bytes, key: object) -> Told:
        """Ask all expressions. Never raises: one that fails does not hold. key: what was asked for; None: a list."""
        ...


class ProbeJudge(Protocol):
    def __call__(self, status: int, headers: Sequence[tuple[str, str]], body: bytes, row: Row) -> Probed:
        """Ask both expressions. Never raises: an expression that fails does not hold."""
        ...
