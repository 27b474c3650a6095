"""Every exception penstock raises, named by who has to act.

PenstockError
├── JobError             a person must change something first (exit 2)
│   ├── JobFileError     the job file is wrong; carries every problem at once
│   ├── LedgerMissing    `penstock prepare` has not been run for this ledger
│   └── LedgerRefused    the ledger belongs to another file, source, host or version
├── Unreachable          something outside does not answer; the same command may go on later (exit 3)
│   ├── SourceUnreachable
│   ├── LedgerUnreachable
│   ├── StoreUnreachable
│   └── BrokerUnreachable
├── RowError             one row cannot be mapped or written to the wire; it fails, the run goes on
└── LeaseLost            another worker owns the range now; its late writer must stop

Exceptions mean "penstock or its surroundings". What an API answered is never an exception but a verdict
(penstock.target.verdicts).
"""

from collections.abc import Sequence
from dataclasses import dataclass


class PenstockError(Exception):
    """Base of everything penstock raises on purpose; its text is meant for people and holds no secret."""


class JobError(PenstockError):
    """A person must change something first: the message names the thing, the value and the way out."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a job file.

    where: "orders.yaml:12" (file and line), or the file alone when no line is known.
    path: the key path, "source.flag.table"; empty for the file as a whole.
    message: what is wrong, with the value (never a secret).
    way_out: what to write instead.
    """

    where: str
    path: str
    message: str
    way_out: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: {self.path}: " if self.path else f"{self.where}: "
        return place + self.message + (f"; {self.way_out}" if self.way_out else "")


class JobFileError(JobError):
    """The job file is wrong. `problems` holds all of them, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class LedgerMissing(JobError):
    """The ledger's tables are not there."""


class LedgerRefused(JobError):
    """The ledger is there, but not for this job file, source, host or version of penstock."""


class Unreachable(PenstockError):
    """Something outside does not answer. Nothing is lost: the same command goes on where this one stopped."""


class SourceUnreachable(Unreachable):
    """The source database cannot be reached, or broke off in the middle of a read."""


class LedgerUnreachable(Unreachable):
    """The ledger's database cannot be reached or cannot store results."""


class StoreUnreachable(Unreachable):
    """The new store that `verify` looks into cannot be reached, or broke off in the middle of a read."""


class BrokerUnreachable(Unreachable):
    """The broker that hands out ranges cannot be reached. Only its number of dead letters, and whoever insists on it, need it."""


class RowError(PenstockError):
    """One row cannot be turned into a request. `column` names the column or payload path at fault ("" if none)."""

    def __init__(self, message: str, *, column: str = "") -> None:
        self.column = column
        super().__init__(message)


class LeaseLost(PenstockError):
    """The fence of range `range_no` has moved on: whoever raised this no longer owns it."""

    def __init__(self, range_no: int) -> None:
        self.range_no = range_no
        super().__init__(f"the lease of range {range_no} is lost")
