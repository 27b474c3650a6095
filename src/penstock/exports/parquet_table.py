"""Parquet, by pyarrow, which comes with `penstock[parquet]`. Types are kept: see `kinds`.

A column's type has to be known before its first value is written. Where a later key needs a wider one, OutgrownError is
raised, and whoever writes begins again with what is known by then: once at the most for each step of widening.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

from penstock.errors import JobError
from penstock.exports.base import COLUMNS, key_columns
from penstock.exports.kinds import MOST_DIGITS, NOTHING, ColumnKind, Kind, widened
from penstock.ledger.rows import LedgerRow
from penstock.rows import KeyValue, decode_key

ROWS_AT_ONCE = 50_000  # of a row group: readers skip and decode by these


class OutgrownError(Exception):
    """kinds: what the columns have to be."""

    def __init__(self, kinds: Sequence[ColumnKind]) -> None:
        self.kinds = tuple(kinds)
        super().__init__("a key does not fit the type of its column")


def need_pyarrow() -> None:
    """Raises JobError if it is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415  # large, and wanted by few
    except ImportError:
        raise JobError(
            "Parquet is written by pyarrow, which is not installed: pip install 'penstock[parquet]', or use --format csv or jsonl"
        ) from None


class ParquetTable:
    """kinds: of the key's columns as far as they are known; () for nothing known yet."""

    def __init__(self, file: BinaryIO, key: Sequence[str], kinds: Sequence[ColumnKind] = ()) -> None:
        self._file = file
        self._key = key
        self._names = key_columns(key)
        self._kinds = tuple(kinds) or (NOTHING,) * len(key)
        self._waiting: list[LedgerRow] = []
        self._writer: Any = None

    def write(self, rows: Sequence[LedgerRow]) -> bool:
        """See Table. Raises OutgrownError."""
        self._waiting += rows
        if len(self._waiting) >= ROWS_AT_ONCE:
            self._write_waiting()
        return True

    def close(self) -> None:
        """The end of the file tells where everything is. Raises OutgrownError."""
        if self._waiting or self._writer is None:
            self._write_waiting()
        self._writer.close()

    def _write_waiting(self) -> None:
        import pyarrow  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415

        rows, self._waiting = self._waiting, []
        keys = [decode_key(row.key) for row in rows]
        kinds = widened(self._kinds, keys) if keys else self._kinds
        if self._writer is None:
            self._kinds = kinds
            self._schema = pyarrow.schema([*self._key_fields(), *_row_fields()])
            self._writer = pyarrow.parquet.ParquetWriter(self._file, self._schema, compression="zstd")
        elif [_type(kind) for kind in kinds] != [_type(kind) for kind in self._kinds]:
            raise OutgrownError(kinds)
        columns = [
            pyarrow.array([_as(kind, key[at]) for key in keys], field.type)
            for at, (kind, field) in enumerate(zip(kinds, self._schema, strict=False))
        ]
        columns += [
            pyarrow.array([getattr(row, name) for row in rows], self._schema.field(len(kinds) + at).type)
            for at, name in enumerate(COLUMNS)
        ]
        self._writer.write_table(pyarrow.Table.from_arrays(columns, schema=self._schema))

    def _key_fields(self) -> list[Any]:
        import pyarrow  # noqa: PLC0415

        return [
            pyarrow.field(name, _type(kind), nullable=False)
            for name, kind in zip(self._names, self._kinds, strict=True)
        ]


def _row_fields() -> list[Any]:
    import pyarrow  # noqa: PLC0415

    types = {
        "receipt": pyarrow.string(),
        "state": pyarrow.string(),
        "status": pyarrow.int16(),
        "updated_at": pyarrow.timestamp("us", "UTC"),
        "attempts": pyarrow.int32(),
        "reason": pyarrow.string(),
    }
    return [pyarrow.field(name, types[name]) for name in COLUMNS]


def _type(kind: ColumnKind) -> Any:
    import pyarrow  # noqa: PLC0415

    types = {
        Kind.SIGNED: pyarrow.int64(),
        Kind.UNSIGNED: pyarrow.uint64(),
        Kind.BYTES: pyarrow.binary(),
        Kind.DATE: pyarrow.date32(),
        Kind.MOMENT: pyarrow.timestamp("us"),
        Kind.INSTANT: pyarrow.timestamp("us", "UTC"),
    }
    if kind.kind is Kind.DECIMAL:
        return pyarrow.decimal128(MOST_DIGITS, kind.places)
    return types.get(kind.kind, pyarrow.string())


def _as(kind: ColumnKind, value: KeyValue) -> object:
    match kind.kind:
        case Kind.DECIMAL:
            return Decimal(value) if isinstance(value, int) else value
        case Kind.TEXT:
            return _text(value)
        case _:
            return value


def _text(value: KeyValue) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else str(value)
