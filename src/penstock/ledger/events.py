"""Lines of the event log: values of the ledger's port."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from penstock.events import EventKind
from penstock.rows import KeyText


class Event(NamedTuple):
    """One line of the event log. detail: plain text for people, no secrets, at most 1,000 characters."""

    kind: EventKind
    detail: str = ""
    key: KeyText | None = None
    range_no: int | None = None


class StoredEvent(NamedTuple):
    at: datetime
    kind: EventKind
    detail: str
    key: KeyText | None
    range_no: int | None
    owner: str | None
