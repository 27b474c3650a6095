"""Parquet: read back by pyarrow, every value is what it was, with its type."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as arrow
import pytest
from pyarrow import parquet
from tests.exports.rows import AT, row

from penstock.exports import parquet_table
from penstock.exports.kinds import NOTHING, widened
from penstock.exports.parquet_table import OutgrownError, ParquetTable
from penstock.rows import KeyValue, encode_key


def table_of(*keys: Sequence[KeyValue], columns: Sequence[str] = ("id",), at_once: int = 100) -> Any:
    """As a reader has it. at_once: rows of a page."""
    kinds: Sequence[Any] = ()
    while True:
        into = io.BytesIO()
        table = ParquetTable(into, columns, kinds)
        try:
            for start in range(0, len(keys), at_once):
                table.write([row(encode_key(key)) for key in keys[start : start + at_once]])
            table.close()
        except OutgrownError as outgrown:
            kinds = outgrown.kinds
            continue
        return parquet.read_table(io.BytesIO(into.getvalue()))


MOMENT = datetime.fromisoformat("2024-02-29T12:30:15.123456")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, -5, 2**63 - 1, -(2**63)], arrow.int64()),
        ([1, 2**64 - 1], arrow.uint64()),
        ([-1, 2**64 - 1], arrow.decimal128(38, 0)),
        ([Decimal("12.50"), Decimal("-0.01")], arrow.decimal128(38, 2)),
        ([Decimal("1.5"), Decimal("0.1234567890")], arrow.decimal128(38, 10)),
        ([Decimal("9" * 60 + ".0"), Decimal("1.5")], arrow.string()),
        ([Decimal("9" * 60 + ".0")], arrow.string()),
        ([10**40], arrow.string()),
        (["A-17", "=1+1", "é\x00"], arrow.string()),
        ([b"\x00\xff", b""], arrow.binary()),
        ([date(2024, 2, 29), date(1, 1, 1)], arrow.date32()),
        ([MOMENT], arrow.timestamp("us")),
        ([MOMENT.replace(tzinfo=UTC)], arrow.timestamp("us", "UTC")),
        ([UUID(int=5)], arrow.string()),
        ([5, "five", b"\x05"], arrow.string()),
    ],
)
def test_a_key_keeps_its_type(values: Sequence[KeyValue], kind: arrow.DataType) -> None:
    found = table_of(*[(value,) for value in values])

    assert found.schema.field("id").type == kind
    if kind != arrow.string() or isinstance(values[0], str):
        expected = values if len({type(value) for value in values}) == 1 else [_plain(value) for value in values]
        assert found.column("id").to_pylist() == expected
    else:
        assert found.column("id").to_pylist() == [_plain(value) for value in values]


def _plain(value: KeyValue) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def test_what_stands_beside_the_key_has_its_types_too() -> None:
    found = table_of(("north", 17), columns=("warehouse", "sku"))

    assert found.to_pylist() == [
        {
            "warehouse": "north",
            "sku": 17,
            "receipt": "r",
            "state": "imported",
            "status": 201,
            "updated_at": AT,
            "attempts": 1,
            "reason": None,
        }
    ]
    assert not found.schema.field("sku").nullable


def test_a_job_without_receipts_is_a_table_without_rows() -> None:
    found = table_of()

    assert found.num_rows == 0
    assert found.column_names == ["id", "receipt", "state", "status", "updated_at", "attempts", "reason"]


def test_a_key_that_outgrows_its_column_makes_it_wider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_table, "ROWS_AT_ONCE", 2)

    found = table_of((1,), (2,), (3,), (2**64 - 1,), (-1,), at_once=1)

    assert found.schema.field("id").type == arrow.decimal128(38, 0)
    assert found.column("id").to_pylist() == [1, 2, 3, 2**64 - 1, -1]


def test_kinds_only_ever_grow_wider() -> None:
    values: list[KeyValue] = [1, 2**64 - 1, -1, Decimal("1.25"), 10**37, "text", 1, Decimal(1)]
    kinds = (NOTHING,)
    seen = []
    for value in values:
        kinds = tuple(widened(kinds, [(value,)]))  # type: ignore[assignment]
        seen.append(kinds[0].kind.value)

    assert seen == ["signed", "unsigned", "decimal", "decimal", "text", "text", "text", "text"]
