"""A table of stored values and what becomes of each. It drives the tests, and docs/reference/types.md is written from it.

A section of another database goes into a file like `mariadb_types`, and into TABLES of `type_tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TypeCase:
    """declared: the column's type, as in CREATE TABLE. stored: what is written there, as SQL. value: what it is in an expression,
    in the words of docs/reference/expressions.md. wire: its JSON. fails: instead of these two, what the reason says. note: for
    readers. careless: written with the server's checks off, as old applications did."""

    declared: str
    stored: str
    value: str = ""
    wire: str = ""
    fails: str = ""
    note: str = ""
    careless: bool = False


@dataclass(frozen=True)
class Section:
    """Cases that share a heading and the job's settings. text: what stands under the heading."""

    title: str
    cases: Sequence[TypeCase]
    text: str = ""
    timezone: str | None = "Asia/Shanghai"
    zero_dates: str = "fail"

    def __str__(self) -> str:
        return self.title.lower()
