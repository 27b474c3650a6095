"""`penstock export`: real receipts of a real run, as each kind of table; a file that is whole or not there."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyarrow import parquet
from tests.cli.conftest import BAD_ORDER, ORDERS, Shop

GOOD = ORDERS - 1


def delivered(shop: Shop, ledger: str = "") -> Shop:
    """ledger: its URL, if it is not the source."""
    if ledger:
        shop.write_job(and_then=f"ledger: {{url: '{ledger}'}}\n")
    assert shop.penstock("prepare", "orders.yaml").code == 0
    assert shop.penstock("run", "orders.yaml").code == 1
    return shop


def csv_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_the_receipts_of_every_kind_of_ledger_are_printed_as_csv(shop: Shop, database_url: str) -> None:
    ended = delivered(shop, database_url).penstock("export", "orders.yaml")

    assert ended.code == 0
    rows = csv_of(ended.out)
    assert sorted(int(row["id"]) for row in rows) == [n for n in range(1, ORDERS + 1) if n != BAD_ORDER]
    assert [row["id"] for row in rows] == sorted([row["id"] for row in rows]), "in the order of the keys' texts"
    for row in rows:
        assert row["receipt"]
        assert (row["state"], row["status"], row["attempts"], row["reason"]) == ("imported", "201", "1", "")
        at = datetime.fromisoformat(row["updated_at"])
        assert at.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
    assert f"orders: {GOOD} rows printed" in ended.err


def test_the_same_receipts_stand_in_every_format(shop: Shop) -> None:
    delivered(shop)
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        ended = shop.penstock("export", "orders.yaml", "--out", name)
        assert (ended.code, ended.out) == (0, "")
        assert f"orders: {GOOD} rows written to {name}" in ended.err

    from_csv = [(int(row["id"]), row["receipt"]) for row in csv_of((shop.folder / "a.csv").read_text(encoding="utf-8"))]
    lines = [json.loads(line) for line in (shop.folder / "a.jsonl").read_text().splitlines()]
    table = parquet.read_table(shop.folder / "a.parquet").to_pylist()

    assert from_csv == [(line["key"], line["receipt"]) for line in lines]
    assert from_csv == [(row["id"], row["receipt"]) for row in table]
    assert shop.penstock("export", "orders.yaml", "--json").lines == lines
    assert sorted(os.listdir(shop.folder)).count("a.parquet") == 1
    assert not [name for name in os.listdir(shop.folder) if name.endswith(".part")]


def test_other_states_are_exported_with_their_reasons(shop: Shop) -> None:
    [line] = delivered(shop).penstock("export", "orders.yaml", "--state", "failed", "--json").lines

    assert (line["key"], line["receipt"], line["state"], line["status"]) == (BAD_ORDER, None, "failed", 422)
    assert "refused with 422" in str(line["reason"])
    both = shop.penstock("export", "orders.yaml", "--state", "failed", "--state", "imported", "--json")
    assert len(both.lines) == ORDERS


def test_the_checksum_of_the_report_is_that_of_the_export_by_other_programs_alone(shop: Shop) -> None:
    receipts = delivered(shop).penstock("report", "orders.yaml", "--json").document["receipts"]

    command = f"""{sys.executable} -m penstock export orders.yaml --format jsonl |
      sed -E 's/^\\{{"key":(.*),"receipt":(.*),"state":.*$/\\1 \\2/' | sha256sum"""
    done = subprocess.run(
        ["sh", "-c", command], cwd=shop.folder, env=shop.environment, capture_output=True, text=True, check=True
    )

    assert receipts == {"rows": GOOD, "sha256": done.stdout.split()[0]}


def test_composite_keys_are_a_column_each_and_formulas_are_defused(shop: Shop) -> None:
    with closing(sqlite3.connect(shop.folder / "shop.db")) as connection:
        connection.execute(
            "CREATE TABLE stock (state TEXT NOT NULL, n INTEGER NOT NULL, order_no TEXT, total INT, is_import INT DEFAULT 0, "
            "PRIMARY KEY (state, n))"
        )
        rows = [("=1+1", -5, "S-1", 1), ('a,"b"\nc', 6, "S-2", 2), ("北", 7, "S-3", 3)]
        connection.executemany("INSERT INTO stock (state, n, order_no, total) VALUES (?, ?, ?, ?)", rows)
        connection.commit()
    job = (
        (shop.folder / "orders.yaml")
        .read_text()
        .replace("orders}", "stock}")
        .replace("table: orders\n", "table: stock\n")
    )
    (shop.folder / "orders.yaml").write_text(job.replace("key: id", "key: [state, n]"))
    assert shop.penstock("prepare", "orders.yaml").code == 0
    assert shop.penstock("run", "orders.yaml").code == 0

    ended = shop.penstock("export", "orders.yaml")
    shop.penstock("export", "orders.yaml", "--out", "stock.parquet")

    assert [(row["key_state"], row["n"]) for row in csv_of(ended.out)] == [
        ("'=1+1", "-5"),
        ('a,"b"\nc', "6"),
        ("北", "7"),
    ]
    assert "1 text that a spreadsheet would take for a formula got a ' in front" in ended.err
    table = parquet.read_table(shop.folder / "stock.parquet").to_pylist()
    assert [(row["key_state"], row["n"]) for row in table] == [("=1+1", -5), ('a,"b"\nc', 6), ("北", 7)]
    assert shop.penstock("export", "orders.yaml", "--json").lines[0]["key"] == ["=1+1", -5]


def test_a_file_that_is_there_is_replaced_only_if_asked(shop: Shop) -> None:
    delivered(shop)
    (shop.folder / "mine.csv").write_text("precious")

    refused = shop.penstock("export", "orders.yaml", "--out", "mine.csv")

    assert refused.code == 2
    assert "mine.csv is there already; --force replaces it, --out names another place" in refused.err
    assert (shop.folder / "mine.csv").read_text() == "precious"
    assert shop.penstock("export", "orders.yaml", "--out", "mine.csv", "--force").code == 0
    assert len(csv_of((shop.folder / "mine.csv").read_text())) == GOOD


def test_an_export_that_breaks_off_leaves_nothing(shop: Shop) -> None:
    ended = shop.penstock("export", "orders.yaml", "--out", "early.csv")  # no ledger yet

    assert ended.code == 2
    assert "penstock prepare orders.yaml" in ended.err
    assert not [name for name in os.listdir(shop.folder) if "early" in name]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--out", "receipts.xlsx"], "ends in none of .csv, .jsonl, .ndjson, .parquet, .pq"),
        (["--format", "parquet"], "name a file: --out receipts.parquet"),
        (["--json", "--format", "csv"], "--json is --format jsonl"),
        (["--out", "nowhere/receipts.csv"], "cannot be written (No such file or directory)"),
        (["--format", "xml"], "xml"),
        (["--state", "lost"], "lost"),
    ],
)
def test_what_cannot_be_is_told_and_exits_2(shop: Shop, words: list[str], says: str) -> None:
    delivered(shop)

    ended = shop.penstock("export", "orders.yaml", *words)

    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err


def test_without_pyarrow_parquet_says_what_to_type(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "without" / "pyarrow").mkdir(parents=True)
    (tmp_path / "without" / "pyarrow" / "__init__.py").write_text("raise ModuleNotFoundError('pyarrow')")

    ended = delivered(shop).penstock(
        "export", "orders.yaml", "--out", "a.parquet", environment={"PYTHONPATH": str(tmp_path / "without")}
    )

    assert ended.code == 2
    assert "pip install 'penstock[parquet]'" in ended.err
    assert not (shop.folder / "a.parquet").exists()
    assert shop.penstock("export", "orders.yaml", environment={"PYTHONPATH": str(tmp_path / "without")}).code == 0


def test_whoever_reads_only_the_beginning_is_no_error(shop: Shop) -> None:
    delivered(shop)

    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m penstock export orders.yaml | true"],
        cwd=shop.folder, env=shop.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "Traceback" not in done.stderr


def test_of_a_job_that_was_never_run_there_are_no_receipts(shop: Shop) -> None:
    assert shop.penstock("prepare", "orders.yaml").code == 0

    ended = shop.penstock("export", "orders.yaml")

    assert (ended.code, ended.out) == (
        0,
        "id,receipt,state,status,updated_at,attempts,reason\r\n".replace("\r\n", "\n"),
    )
    assert hashlib.sha256(b"").hexdigest() in str(shop.penstock("report", "orders.yaml", "--json").document)


def test_a_million_rows_are_exported_in_flat_memory(shop: Shop) -> None:
    """200,000 here: the rows alone would take more than what is allowed."""
    delivered(shop)
    with closing(sqlite3.connect(shop.folder / "shop.db")) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) INSERT INTO penstock_rows "
            "(job_id, row_key, range_no, fence, state, attempts, status, receipt, updated_at) "
            "SELECT 1, CAST(1000000 + i AS TEXT), 1, 1, 'imported', 1, 201, printf('%0255d', i), '2026-03-01 12:00:00.000' FROM n"
        )
        connection.commit()
    measure = (
        "import resource, sys; from penstock.cli.main import main; main(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)"
    )

    def megabytes(*words: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", measure, *words],
            cwd=shop.folder, env=shop.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        return int(done.stderr.splitlines()[-1])

    few = megabytes("export", "orders.yaml", "--state", "failed")
    assert megabytes("export", "orders.yaml") < few + 20
    assert megabytes("report", "orders.yaml", "--json") < few + 25
