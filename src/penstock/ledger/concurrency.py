"""How a person's word on the concurrency stands in the ledger: a number, nothing for the job file's, and 0 for `auto`."""

from __future__ import annotations

from penstock.ledger.workers import Concurrency

_AUTO = 0  # nobody can ask for no requests at all: that is `pause`


def stored(concurrency: Concurrency | None) -> int | None:
    return _AUTO if concurrency == "auto" else concurrency


def understood(found: int | None) -> Concurrency | None:
    return "auto" if found == _AUTO else found
