"""The ledger's tables. docs/explanation/ledger.md tells what each is for.

Whatever holds a key or a word is compared byte by byte (utf8mb4_bin, ascii_bin; PostgreSQL: "C"; SQLite: BINARY): two keys are
the same row if and only if their texts are equal, whatever the collation of the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement, SchemaItem
from sqlalchemy.types import TypeEngine

from penstock.ledger.lengths import ANSWER_LENGTH, DETAIL_LENGTH, OWNER_LENGTH, REASON_LENGTH, RECEIPT_LENGTH
from penstock.rows import MAX_KEY_TEXT

_MYSQL = ("mysql", "mariadb")


def _characters(length: int) -> TypeEngine[str]:
    return _by_bytes(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), *_MYSQL)


def _word(length: int) -> TypeEngine[str]:
    return _by_bytes(length).with_variant(mysql.VARCHAR(length, charset="ascii", collation="ascii_bin"), *_MYSQL)


def _by_bytes(length: int) -> TypeEngine[str]:
    """PostgreSQL is not told the length: until it has looked it would take half of it for used, and hundreds of rows for few."""
    return String(length).with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _long_text() -> TypeEngine[str]:
    return Text().with_variant(mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), *_MYSQL)


def _moment() -> TypeEngine[str]:
    """UTC, to the microsecond; SQLite: text that sorts as time does."""
    moment = String(26).with_variant(mysql.DATETIME(fsp=6), *_MYSQL)
    return moment.with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def _counter(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


_NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER counts up by itself there

METADATA: Final = MetaData()


def _table(name: str, *items: SchemaItem, is_clustered: bool = False) -> Table:
    """is_clustered: SQLite too keeps the rows in the primary key itself, as InnoDB always does."""
    return Table(
        name,
        METADATA,
        *items,
        mysql_engine="InnoDB",
        mysql_row_format="DYNAMIC",  # an index entry may then hold a whole key of 500 characters
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        sqlite_with_rowid=not is_clustered,
    )


SCHEMA = _table(
    "penstock_schema",
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("host", _characters(255), nullable=False),  # an SQLite ledger serves this machine alone
)

JOBS = _table(
    "penstock_jobs",
    Column("job_id", _NUMBER, primary_key=True, autoincrement=True),
    Column("name", _characters(191), nullable=False, unique=True),
    Column("source", _characters(255), nullable=False, server_default=""),  # "": nobody has joined since the reset
    Column("key_columns", _long_text(), nullable=True),
    Column("file_hash", _characters(190), nullable=False, server_default=""),
    Column("idempotent", SmallInteger, nullable=False, server_default="0"),  # 1: for ever, 2: for a while
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("cursor_key", _characters(MAX_KEY_TEXT), nullable=True),
    Column("next_range", BigInteger, nullable=False, server_default="1"),
    _counter("planned_keys"),
    Column("total_keys", BigInteger, nullable=True),
    Column("at_end", SmallInteger, nullable=False, server_default="0"),  # a sweep has begun since the cursor moved last
    # Of the ranges that are done. Those of the others are summed when asked for: counting costs the same after 100,000 ranges.
    _counter("done_imported"),
    _counter("done_failed"),
    _counter("done_in_doubt"),
    _counter("done_skipped"),
    Column("last_sweep", BigInteger, nullable=True),
    Column("last_sweep_found", BigInteger, nullable=True),
    Column("paused", SmallInteger, nullable=False, server_default="0"),
    Column("rate", Double, nullable=True),
    Column("concurrency", Integer, nullable=True),
    # Made by the first worker that uses a broker: by it the job's workers know each other's messages. 32 bytes as hexadecimals.
    Column("signing_key", _word(64), nullable=False, server_default=""),
    Column("created_at", _moment(), nullable=False),
)

RANGES = _table(
    "penstock_ranges",
    Column("job_id", BigInteger, nullable=False),
    Column("range_no", BigInteger, nullable=False),
    Column("kind", _word(8), nullable=False),
    Column("after_key", _characters(MAX_KEY_TEXT), nullable=True),
    Column("upto_key", _characters(MAX_KEY_TEXT), nullable=True),
    Column("estimate", BigInteger, nullable=False, server_default="0"),  # of its rows, until they are counted
    Column("row_count", BigInteger, nullable=True),
    Column("state", _word(8), nullable=False),  # open, leased, done
    Column("owner", _word(OWNER_LENGTH), nullable=True),
    _counter("fence"),
    Column("lease_until", _moment(), nullable=True),
    _counter("batch"),
    _counter("imported"),
    _counter("failed"),
    _counter("in_doubt"),
    _counter("skipped"),
    Column("flags_due", SmallInteger, nullable=False, server_default="0"),
    _counter(
        "flags_no"
    ),  # grows whenever flags become due: whoever wrote them can tell that no more have become due since
    Column("take_overs", Integer, nullable=False, server_default="0"),  # in a row, without a batch in between
    Column("take_over_batch", BigInteger, nullable=True),
    PrimaryKeyConstraint("job_id", "range_no"),
    # What may be leased, in order: without it SKIP LOCKED starves the second worker.
    Index("penstock_ranges_by_state", "job_id", "state", "range_no"),
    Index("penstock_ranges_by_flags", "job_id", "flags_due"),
)

WINDOWS = _table(
    "penstock_windows",
    Column("job_id", BigInteger, nullable=False),
    Column("range_no", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("window_no", BigInteger, nullable=False),
    Column("row_keys", _long_text(), nullable=False),  # JSON: [[key, first_sent or null, fingerprint or null], ...]
    Column("opened_at", _moment(), nullable=False),
    PrimaryKeyConstraint("job_id", "range_no", "fence", "window_no"),
)

ROWS = _table(
    "penstock_rows",
    Column("job_id", BigInteger, nullable=False),
    Column("row_key", _characters(MAX_KEY_TEXT), nullable=False),
    Column("range_no", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("state", _word(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("status", Integer, nullable=True),
    Column("reason", _characters(REASON_LENGTH), nullable=True),
    Column("receipt", _characters(RECEIPT_LENGTH), nullable=True),
    Column("answer", _characters(ANSWER_LENGTH), nullable=True),
    Column("fingerprint", BigInteger, nullable=True),
    Column("first_sent", Double, nullable=True),
    Column("updated_at", _moment(), nullable=False),
    PrimaryKeyConstraint("job_id", "row_key"),
    # Serves the rows of a range in key order, and the few that are not imported among a hundred million that are.
    # PostgreSQL would take an index that ends in the key, which the others' do anyway, for one to look keys up by.
    Index("penstock_rows_by_state", "job_id", "state", "range_no"),
    is_clustered=True,
)

EVENTS = _table(
    "penstock_events",
    Column("event_no", _NUMBER, primary_key=True, autoincrement=True),
    Column("job_id", BigInteger, nullable=False),
    Column("at", _moment(), nullable=False),
    Column("kind", _word(40), nullable=False),
    Column("detail", _characters(DETAIL_LENGTH), nullable=False),
    Column("row_key", _characters(MAX_KEY_TEXT), nullable=True),
    Column("range_no", BigInteger, nullable=True),
    Column("owner", _word(OWNER_LENGTH), nullable=True),
    Index("penstock_events_by_job", "job_id", "event_no"),
    Index("penstock_events_by_key", "job_id", "row_key"),
    Index("penstock_events_by_range", "job_id", "range_no"),
)

WORKERS = _table(
    "penstock_workers",
    Column("job_id", BigInteger, nullable=False),
    Column("owner", _word(OWNER_LENGTH), nullable=False),
    Column("host", _characters(255), nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("file_hash", _characters(190), nullable=False),
    Column("started_at", _moment(), nullable=False),
    Column("seen_at", _moment(), nullable=False),
    Column("alive_until", _moment(), nullable=False),
    Column("in_flight", Integer, nullable=False, server_default="0"),
    Column("rows_per_second", Double, nullable=False, server_default="0"),
    Column("concurrency", Integer, nullable=False, server_default="0"),
    Column("limited_by", _characters(40), nullable=False, server_default=""),
    Column("hold", _characters(REASON_LENGTH), nullable=False, server_default=""),
    Column("version", _word(40), nullable=False, server_default=""),  # of its penstock
    Column("by_broker", SmallInteger, nullable=False, server_default="0"),  # a broker hands it its ranges out
    # What it uses of the job's limits, or asks for; NULL: everything.
    Column("stake_concurrency", Integer, nullable=True),
    Column("stake_rate", Double, nullable=True),
    Column("quiet_until", _moment(), nullable=True),  # the API has told it to wait until then, and means all of them
    PrimaryKeyConstraint("job_id", "owner"),
)

# Rows that ended failed or in doubt and of which others have been told, each as it was then.
NOTICES = _table(
    "penstock_notices",
    Column("job_id", BigInteger, nullable=False),
    Column("row_key", _characters(MAX_KEY_TEXT), nullable=False),
    Column("updated_at", _moment(), nullable=False),  # the row's: it is told of again once it has another
    PrimaryKeyConstraint("job_id", "row_key"),
    is_clustered=True,
)


def definitions(table: Table) -> Iterator[tuple[str, ExecutableDDLElement]]:
    """What makes one table: (name of the table or index, its statement)."""
    yield table.name, CreateTable(table)
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield str(index.name), CreateIndex(index)


def sql(statement: ExecutableDDLElement, dialect: Dialect) -> str:
    """The statement as text, on one line."""
    return " ".join(str(statement.compile(dialect=dialect)).split())
