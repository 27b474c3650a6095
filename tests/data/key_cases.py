"""A table of keys: column types, the rows written, and the key texts in the order in which the database must show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class KeyCase:
    """columns: of the table, as in CREATE TABLE. rows: the values of each, as SQL. keys: what `rows --json` shows, in key order.
    careless: written with the server's checks off. fault: the one it is an example of, by whose test it is run."""

    title: str
    columns: str
    rows: tuple[str, ...]
    keys: tuple[str, ...]
    names: tuple[str, ...] = ("k",)
    careless: bool = False
    fault: str = ""

    def statements(self) -> tuple[str, str]:
        """A table `t` whose column `n` numbers the rows from 1, in the order in which they were written."""
        numbered = ", ".join(f"({number}, {row})" for number, row in enumerate(self.rows, 1))
        return (
            f"CREATE TABLE t (n INTEGER NOT NULL UNIQUE, {self.columns}, PRIMARY KEY ({', '.join(self.names)}))",
            f"INSERT INTO t (n, {', '.join(self.names)}) VALUES {numbered}",
        )

    def __str__(self) -> str:
        return self.title


@dataclass(frozen=True)
class RefusedKey:
    """says: part of the message. instead: a query that does; None where there is only another key."""

    declared: str
    says: str
    row: str
    instead: str | None = None


def each(cases: Sequence[KeyCase], *, fault: str = "") -> pytest.MarkDecorator:
    """A test for each case of this fault, or of none."""
    return pytest.mark.parametrize("case", [case for case in cases if case.fault == fault], ids=str)
