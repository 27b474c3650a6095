"""The border of this room: what databases raise becomes what penstock means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from penstock.database.connect import Database
from penstock.database.faults import DATABASE_ERRORS, Fault, explain, fault_of, is_unfit
from penstock.errors import JobError, PenstockError, SourceUnreachable, StoreUnreachable, Unreachable


class Role(NamedTuple):
    """What a database is to the job. url: where the job file names it. ways_out: of what a person has to do something about;
    all other faults pass."""

    url: str
    unreachable: type[Unreachable]
    ways_out: Mapping[Fault, str]


SOURCE = Role(
    "source.url",
    SourceUnreachable,
    {
        Fault.DENIED: "look at the user and the password in source.url, and at what they are granted",
        Fault.MISSING: "correct source.query, source.flag or source.url",
        Fault.OTHER: "correct source.query or source.flag",
    },
)
STORE = Role(
    "verify.url",
    StoreUnreachable,
    {
        Fault.DENIED: "look at the user and the password in verify.url, and at what they are granted",
        Fault.MISSING: "correct verify.query or verify.url",
        Fault.OTHER: "correct verify.query",
    },
)


class Unfit(JobError):
    """A statement was refused for one of its values, which no row can hold there; or so it looks."""

    def is_about(self, key: Sequence[object]) -> bool:
        """Whether it is these values indeed: a CAST in the query fails alike, for a row that is there."""
        text = str(self)
        of_statement = "Illegal mix of collations" in text or "invalid input for query argument" in text
        return of_statement or any(f'"{value}"' in text for value in key)


@contextmanager
def source_errors(database: Database, doing: str, role: Role = SOURCE) -> Iterator[None]:
    """doing: "reading rows"; part of the message. Raises role.unreachable for what may pass, JobError for what will not."""
    try:
        yield
    except DATABASE_ERRORS as error:
        raise source_error(error, database, doing, role) from error


def source_error(error: Exception, database: Database, doing: str, role: Role = SOURCE) -> PenstockError:
    text = f"{doing} from {database.address}: {explain(error)}"
    way_out = role.ways_out.get(fault_of(error))
    if way_out is None:
        return role.unreachable(f"{text}; if it stays so, look at {role.url}")
    return (Unfit if is_unfit(error) else JobError)(f"{text}; {way_out}")
