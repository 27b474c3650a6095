"""What an error of MongoDB or of the way to it means, decided by the server's own code in one table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bson.errors import BSONError
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    CursorNotFound,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
)

from penstock.errors import JobError, PenstockError, StoreUnreachable

# BSONError: what cannot be sent, or read. OverflowError: an integer of more than 64 bits in a filter.
STORE_ERRORS = (PyMongoError, BSONError, OverflowError)

NOT_AUTHORISED = 13
_NOT_LOGGED_IN = frozenset({18, 8000})  # AuthenticationFailed; Atlas's own

# Of the server; those of a lost connection, a stepped-down primary and a cursor that is gone are classes of the driver.
_PASSING = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        24,  # LockTimeout
        46,  # LockBusy
        63,  # StaleShardVersion
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        112,  # WriteConflict
        133,  # FailedToSatisfyReadPreference
        134,  # ReadConcernMajorityNotAvailableYet
        150,  # StaleEpoch
        175,  # QueryPlanKilled: an index or the collection was dropped meanwhile
        189,  # PrimarySteppedDown
        202,  # NetworkInterfaceExceededTimeLimit
        234,  # RetryChangeStream
        237,  # CursorKilled
        246,  # SnapshotUnavailable
        262,  # ExceededTimeLimit
        365,  # TemporarilyUnavailable
        384,  # ConnectionError
        9001,  # SocketException
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11601,  # Interrupted
        11602,  # InterruptedDueToReplStateChange
        13388,  # StaleConfig
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
    }
)


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Raises StoreUnreachable or JobError instead of the driver's errors. name: of the store, for people."""
    try:
        yield
    except STORE_ERRORS as error:
        raise _meaning(error, name) from error


def passes(error: BaseException) -> bool:
    """Whether the same question may be answered later."""
    if isinstance(error, ConnectionFailure | WaitQueueTimeoutError | CursorNotFound | ExecutionTimeout):
        return True
    if isinstance(
        error, ConfigurationError
    ):  # past the opening: the name of a mongodb+srv address could not be resolved
        return True
    return isinstance(error, OperationFailure) and error.code in _PASSING


def _meaning(error: BaseException, name: str) -> PenstockError:
    words = explain(error)
    if passes(error):
        return StoreUnreachable(f"{name}: {words}")
    if isinstance(error, ConfigurationError):  # a server that is too old, or cannot do what the URL asks for
        return JobError(f"{name}: {words}")
    code = error.code if isinstance(error, OperationFailure) else None
    if code in _NOT_LOGGED_IN:
        return JobError(
            f"{name}: {words} Check user and password in verify.url, and name the database that keeps the account if it is "
            "another: ?authSource=admin"
        )
    if code == NOT_AUTHORISED:
        return JobError(f"{name}: {words}; give the user of verify.url the role `read` on the database, or name a user")
    return JobError(f"{name} refuses the question: {words}; look at verify.filter and verify.projection")


def explain(error: BaseException) -> str:
    """The server's or the driver's own words in one line, without its settings and all it knows of the servers."""
    details = error.details if isinstance(error, OperationFailure) else None
    text = str(details["errmsg"]) if details and "errmsg" in details else str(error)
    for tail in (" (configured timeouts:", ", Timeout:", ", full error:"):
        text = text.partition(tail)[0]
    return " ".join(text.split())[:300] or type(error).__name__
