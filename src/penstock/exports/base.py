"""The port to a kind of table: rows go in page by page, and a file is complete once it is closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol, TypeAlias

from penstock.ledger.rows import LedgerRow


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


ENDINGS = {
    ".csv": Format.CSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}

# What an export says of a row beside its key.
COLUMNS = ("receipt", "state", "status", "updated_at", "attempts", "reason")


# Where bytes go. False: nobody reads any more.
Output: TypeAlias = Callable[[bytes], bool]


class Table(Protocol):
    def write(self, rows: Sequence[LedgerRow]) -> bool:
        """False: nobody reads any more, so stop."""
        ...

    def close(self) -> None: ...


def key_columns(key: Sequence[str]) -> tuple[str, ...]:
    """Names for the key's columns, none of which is another column's too."""
    taken = set(COLUMNS)
    names = []
    for column in key:
        name = column
        while name.lower() in taken:
            name = f"key_{name}"
        taken.add(name.lower())
        names.append(name)
    return tuple(names)
