"""The border of this room: what databases raise becomes what penstock means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from penstock.database.connect import Database
from penstock.database.faults import DATABASE_ERRORS, Fault, explain, fault_of
from penstock.errors import JobError, PenstockError, SourceUnreachable

# A person has to do something about these; all others pass.
_WAYS_OUT = {
    Fault.DENIED: "look at the user and the password in source.url, and at what they are granted",
    Fault.MISSING: "correct source.query, source.flag or source.url",
    Fault.OTHER: "correct source.query or source.flag",
}


@contextmanager
def source_errors(database: Database, doing: str) -> Iterator[None]:
    """doing: "reading rows"; part of the message. Raises SourceUnreachable for what may pass, JobError for what will not."""
    try:
        yield
    except DATABASE_ERRORS as error:
        raise source_error(error, database, doing) from error


def source_error(error: Exception, database: Database, doing: str) -> PenstockError:
    fault = fault_of(error)
    text = f"{doing} from {database.address}: {explain(error)}"
    way_out = _WAYS_OUT.get(fault)
    if way_out is None:
        return SourceUnreachable(f"{text}; if it stays so, look at source.url")
    return JobError(f"{text}; {way_out}")
