"""The few places where the ledger's SQL differs between databases.

A statement is written once, as a template with names in braces: {now}, {later} (:seconds from now), {a_day_ago}, {age}
(seconds since known.updated_at), {batch_moment} (batch.updated_at, a text in UTC, as a time), {is_same} (equal, NULL equals
NULL), {position} (of a text in a text), {for_update}, {skip_locked}, {for_share}, and whatever else its author gives.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import orjson
from sqlalchemy import TextClause

from penstock.errors import LedgerRefused
from penstock.ledger.statements import statement

# A column of a batch parameter: its name and what it holds.
Content = Literal["characters", "integer", "real"]
BatchColumn: TypeAlias = tuple[str, Content]
CHARACTERS: Content = "characters"
INTEGER: Content = "integer"
REAL: Content = "real"

KEYS: Sequence[BatchColumn] = (("row_key", CHARACTERS),)


@dataclass(frozen=True, slots=True)
class LedgerDialect:
    """words: what the names in braces stand for. unpack: the parameter :packed, a list of lists (see `pack`), as a table `batch`
    of these columns: one parameter however many rows, so that the statement's text stays the same and the driver has nothing to
    quote 5,000 times. look_up: how each row of `batch` is looked up by its key; see `known_among`."""

    words: Mapping[str, str]
    unpack: Callable[[Sequence[BatchColumn]], str]
    look_up: str
    is_mysql: bool = False

    def statement(self, template: str, **names: str) -> TextClause:
        """A template as a statement, made once and executed often."""
        return statement(template.format(**self.words, **names))

    def pack(self, rows: Sequence[Sequence[object]]) -> str:
        """A batch, or whatever else is stored as JSON, as a parameter that `packed` reads. MySQL's driver looks at each character
        of a text, and longest at quotes: in Base64 it is through 16 times as fast."""
        encoded = orjson.dumps([tuple(row) for row in rows])
        return b64encode(encoded).decode() if self.is_mysql else encoded.decode()

    def packed(self, parameter: str) -> str:
        """The JSON text that was packed into this parameter."""
        return _packed_mysql(parameter) if self.is_mysql else parameter

    def known_among(self, columns: Sequence[BatchColumn] = KEYS, *, keep_unknown: bool = False) -> str:
        """The rows of a batch, each with the ledger's row of its key as `known`: by the primary key, one after the other. Left
        to themselves planners walk the whole table instead and the batch for each of its rows, or hash it. keep_unknown: also
        those that the ledger does not have, with NULL in every column of `known`."""
        return self.unpack(columns) + self.look_up.format(
            join="LEFT JOIN" if keep_unknown else self.words["inner_join"]
        )

    def new_value(self, column: str) -> str:
        """In an upsert: the value that was to be inserted."""
        return f"VALUES({column})" if self.is_mysql else f"excluded.{column}"

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


# Wide types: JSON_TABLE cuts to a narrow one silently, even in strict mode; the table's own type then refuses what does not fit.
_MYSQL_TYPES: Mapping[Content, str] = {
    CHARACTERS: "VARCHAR(4000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    INTEGER: "BIGINT",
    REAL: "DOUBLE",
}
_POSTGRESQL_TYPES: Mapping[Content, str] = {CHARACTERS: "TEXT", INTEGER: "BIGINT", REAL: "DOUBLE PRECISION"}


def _unpack_mysql(columns: Sequence[BatchColumn]) -> str:
    parts = [f"{name} {_MYSQL_TYPES[content]} PATH '$[{at}]'" for at, (name, content) in enumerate(columns)]
    return f"JSON_TABLE({_packed_mysql(':packed')}, '$[*]' COLUMNS ({', '.join(parts)})) AS batch"


def _packed_mysql(parameter: str) -> str:
    return f"CONVERT(FROM_BASE64({parameter}) USING utf8mb4)"


def _unpack_postgresql(columns: Sequence[BatchColumn]) -> str:
    parts = [
        f"CAST(item ->> {at} AS {_POSTGRESQL_TYPES[content]}) AS {name}" for at, (name, content) in enumerate(columns)
    ]
    items = "jsonb_array_elements(CAST(:packed AS JSONB)) AS items (item)"
    return f"(SELECT {', '.join(parts)} FROM {items}) AS batch"  # noqa: S608 (names of this room)


def _unpack_sqlite(columns: Sequence[BatchColumn]) -> str:
    parts = [f"json_extract(value, '$[{at}]') AS {name}" for at, (name, _) in enumerate(columns)]
    return f"(SELECT {', '.join(parts)} FROM json_each(:packed)) AS batch"  # noqa: S608 (names of this room)


_LOOK_UP = " {join} penstock_rows AS known ON known.job_id = :job AND known.row_key = batch.row_key"

MYSQL = LedgerDialect(
    words={
        "batch_moment": "CAST(batch.updated_at AS DATETIME(6))",
        "now": "UTC_TIMESTAMP(6)",
        "later": "UTC_TIMESTAMP(6) + INTERVAL :seconds SECOND",
        "a_day_ago": "UTC_TIMESTAMP(6) - INTERVAL 1 DAY",
        "age": "TIMESTAMPDIFF(MICROSECOND, known.updated_at, UTC_TIMESTAMP(6)) / 1000000",
        "is_same": "<=>",
        "position": "INSTR",
        "inner_join": "STRAIGHT_JOIN",
        "for_update": "FOR UPDATE",
        "skip_locked": "FOR UPDATE SKIP LOCKED",
        # FOR SHARE is MySQL 8 alone; both know the older words.
        "for_share": "LOCK IN SHARE MODE",
    },
    unpack=_unpack_mysql,
    look_up=_LOOK_UP,
    is_mysql=True,
)

POSTGRESQL = LedgerDialect(
    words={
        "batch_moment": "CAST(batch.updated_at || '+00' AS TIMESTAMP WITH TIME ZONE)",
        # Of the statement, not of the transaction: that may have waited for a lock since it began.
        "now": "statement_timestamp()",
        "later": "statement_timestamp() + :seconds * INTERVAL '1 second'",
        "a_day_ago": "statement_timestamp() - INTERVAL '1 day'",
        "age": "EXTRACT(EPOCH FROM statement_timestamp() - known.updated_at)",
        "is_same": "IS NOT DISTINCT FROM",
        "position": "STRPOS",
        "inner_join": "JOIN",
        "for_update": "FOR UPDATE",
        "skip_locked": "FOR UPDATE SKIP LOCKED",
        "for_share": "FOR SHARE",
    },
    unpack=_unpack_postgresql,
    # OFFSET 0 keeps the planner from making a join of it: a table that was empty when it looked last would be hashed whole.
    look_up=(
        " {join} LATERAL (SELECT * FROM penstock_rows AS stored"
        " WHERE stored.job_id = :job AND stored.row_key = batch.row_key OFFSET 0) AS known ON TRUE"
    ),
)

_SQLITE_TIME = "strftime('%Y-%m-%d %H:%M:%f', 'now'{})"

SQLITE = LedgerDialect(
    words={
        "batch_moment": "strftime('%Y-%m-%d %H:%M:%f', batch.updated_at)",
        "now": _SQLITE_TIME.format(""),
        "later": _SQLITE_TIME.format(", :seconds || ' seconds'"),
        "a_day_ago": _SQLITE_TIME.format(", '-1 day'"),
        "age": "(julianday('now') - julianday(known.updated_at)) * 86400.0",
        "is_same": "IS",
        "position": "INSTR",
        # Left to itself SQLite once did it the other way round, a thousand times slower.
        "inner_join": "CROSS JOIN",
        # One writer at a time (BEGIN IMMEDIATE): whoever reads in a write transaction has locked everything.
        "for_update": "",
        "skip_locked": "",
        "for_share": "",
    },
    unpack=_unpack_sqlite,
    look_up=_LOOK_UP,
)

_DIALECTS = {"mysql": MYSQL, "mariadb": MYSQL, "postgresql": POSTGRESQL, "sqlite": SQLITE}


def dialect_of(kind: str) -> LedgerDialect:
    """Raises LedgerRefused for a kind of database that cannot hold a ledger."""
    if kind not in _DIALECTS:
        raise LedgerRefused(
            f"a {kind} database cannot hold the ledger; use mysql, mariadb, postgresql or sqlite in ledger.url"
        )
    return _DIALECTS[kind]
