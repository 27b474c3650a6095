"""The few places where the ledger's SQL differs between databases. PostgreSQL takes its place here as a third value.

A statement is written once, as a template with names in braces: {now}, {later} (:seconds from now), {is_same} (equal, NULL
equals NULL), {look_up_in} (a join that takes each row on its left and looks it up on its right: SQLite's planner once did it the
other way round, a thousand times slower), {for_update}, {skip_locked}, {for_share}, and whatever else its author gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import TextClause, text

from penstock.errors import LedgerRefused

# A column of a batch parameter: its name and the type MySQL unpacks it as. Wide types: JSON_TABLE cuts to a narrow one silently,
# even in strict mode; the table's own type then refuses what does not fit.
BatchColumn = tuple[str, str]
_WIDE = "VARCHAR(4000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
CHARACTERS, INTEGER, REAL = _WIDE, "BIGINT", "DOUBLE"


@dataclass(frozen=True, slots=True)
class LedgerDialect:
    """words: what the names in braces stand for. new: how an upsert names the value that was to be inserted."""

    words: Mapping[str, str]
    is_mysql: bool
    new: str

    def statement(self, template: str, **names: str) -> TextClause:
        """A template as a statement, made once and executed often."""
        return text(template.format(**self.words, **names))

    def unpack(self, columns: tuple[BatchColumn, ...], parameter: str = "batch") -> str:
        """A JSON parameter, an array of arrays, as a table named `batch`: one parameter however many rows, so that the
        statement's text stays the same and the driver has nothing to quote 5,000 times."""
        if self.is_mysql:
            parts = [f"{name} {type_} PATH '$[{place}]'" for place, (name, type_) in enumerate(columns)]
            return f"JSON_TABLE(:{parameter}, '$[*]' COLUMNS ({', '.join(parts)})) AS batch"
        parts = [f"json_extract(value, '$[{place}]') AS {name}" for place, (name, _) in enumerate(columns)]
        return f"(SELECT {', '.join(parts)} FROM json_each(:{parameter})) AS batch"  # noqa: S608 (names of this room)

    def new_value(self, column: str) -> str:
        return self.new.format(column)

    def or_nothing(self, table: str) -> str:
        """The end of an INSERT: where the key is there already, nothing happens. (INSERT IGNORE would ignore more than that.)"""
        return f"ON DUPLICATE KEY UPDATE {table}.job_id = {table}.job_id" if self.is_mysql else "ON CONFLICT DO NOTHING"

    def upsert(self, table: str, key: tuple[str, ...], columns: tuple[str, ...], guard: str) -> str:
        """The end of an INSERT ... SELECT: where the key is there already, take these columns over if the guard holds.

        MySQL assigns from left to right and reads what it has just assigned: columns that the guard reads come last.
        """
        if self.is_mysql:
            taken = [f"{name} = IF({guard}, {self.new_value(name)}, {table}.{name})" for name in columns]
            return "ON DUPLICATE KEY UPDATE " + ", ".join(taken)
        taken = [f"{name} = {self.new_value(name)}" for name in columns]
        return f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join(taken)} WHERE {guard}"


MYSQL = LedgerDialect(
    words={
        "now": "UTC_TIMESTAMP(6)",
        "later": "UTC_TIMESTAMP(6) + INTERVAL :seconds SECOND",
        "a_day_ago": "UTC_TIMESTAMP(6) - INTERVAL 1 DAY",
        "is_same": "<=>",
        "look_up_in": "STRAIGHT_JOIN",
        "for_update": "FOR UPDATE",
        "skip_locked": "FOR UPDATE SKIP LOCKED",
        # FOR SHARE is MySQL 8 alone; both know the older words.
        "for_share": "LOCK IN SHARE MODE",
    },
    is_mysql=True,
    new="VALUES({})",
)

_SQLITE_TIME = "strftime('%Y-%m-%d %H:%M:%f', 'now'{})"

SQLITE = LedgerDialect(
    words={
        "now": _SQLITE_TIME.format(""),
        "later": _SQLITE_TIME.format(", :seconds || ' seconds'"),
        "a_day_ago": _SQLITE_TIME.format(", '-1 day'"),
        "is_same": "IS",
        # Left to itself SQLite walks the whole table and the batch for each of its rows: quadratic.
        "look_up_in": "CROSS JOIN",
        # One writer at a time (BEGIN IMMEDIATE): whoever reads in a write transaction has locked everything.
        "for_update": "",
        "skip_locked": "",
        "for_share": "",
    },
    is_mysql=False,
    new="excluded.{}",
)

_DIALECTS = {"mysql": MYSQL, "mariadb": MYSQL, "sqlite": SQLITE}


def dialect_of(kind: str) -> LedgerDialect:
    """Raises LedgerRefused for a kind of database that cannot hold a ledger."""
    if kind not in _DIALECTS:
        raise LedgerRefused(f"a {kind} database cannot hold the ledger; use mysql, mariadb or sqlite in ledger.url")
    return _DIALECTS[kind]
