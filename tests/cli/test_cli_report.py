"""`penstock report`: the page and its figures, of real runs on every kind of ledger."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing

from tests.cli.conftest import BAD_ORDER, ORDERS, Shop
from tests.cli.test_cli_export import GOOD, delivered
from tests.pages.parsed import Page

from penstock.demo.api import TOKEN


def page_of(shop: Shop, name: str = "orders-report.html") -> Page:
    return Page((shop.folder / name).read_text(encoding="utf-8"))


def test_the_page_is_written_beside_whoever_asks(shop: Shop, database_url: str) -> None:
    ended = delivered(shop, database_url).penstock("report", "orders.yaml")

    assert (ended.code, ended.out) == (0, "")
    assert f"orders: {GOOD} of {ORDERS} rows were imported. 1 failed. orders-report.html is written" in ended.err
    text = page_of(shop).text
    assert "Complete, with findings" in text
    assert f"Rows known {ORDERS} 100 %" in text
    assert "refused with 422: total: a number, not negative 422 1 7" in text
    assert "the rows agree with the ledger’s own totals" in text
    assert "1 started, on 1 machine" in text


def test_the_figures_are_the_same_as_json_on_every_kind_of_ledger(shop: Shop, database_url: str) -> None:
    document = delivered(shop, database_url).penstock("report", "orders.yaml", "--json").document

    assert document["rows"] == {
        "known": ORDERS,
        "imported": GOOD,
        "failed": 1,
        "in_doubt": 0,
        "skipped": 0,
        "pending": 0,
        "pending_exact": True,
    }
    assert document["counted_again"] == {"imported": GOOD, "failed": 1, "in_doubt": 0, "skipped": 0}
    assert (document["complete"], document["clean"], document["adds_up"], document["live"]) == (
        True,
        False,
        True,
        False,
    )
    causes = document["causes"]
    assert isinstance(causes, list)
    assert [(one["state"], one["status"], one["rows"], one["examples"]) for one in causes] == [
        ("failed", 422, 1, [BAD_ORDER])
    ]
    timeline = document["timeline"]
    assert isinstance(timeline, dict)
    assert (sum(timeline["imported"]), sum(timeline["failed"])) == (GOOD, 1)
    text = (shop.folder / "orders.yaml").read_bytes()
    assert document["file"] == {"name": "orders.yaml", "sha256": hashlib.sha256(text).hexdigest()}
    assert not (shop.folder / "orders-report.html").exists()


def test_what_happened_to_a_job_is_told(shop: Shop) -> None:
    delivered(shop)
    first = hashlib.sha256((shop.folder / "orders.yaml").read_bytes()).hexdigest()
    shop.write_job(concurrency=7)
    assert shop.penstock("retry", "orders.yaml", "--state", "failed").code == 0
    assert shop.penstock("run", "orders.yaml").code == 1

    document = shop.penstock("report", "orders.yaml", "--json").document
    assert shop.penstock("report", "orders.yaml").code == 0

    files, runs, events = document["files"], document["runs"], document["events"]
    assert isinstance(files, list)
    assert isinstance(runs, list)
    assert isinstance(events, list)
    assert [one["sha256"] for one in files] == [first, document["file"]["sha256"]]  # type: ignore[index]
    assert [run["end"] for run in runs] == ["done", "done"]
    assert {one["kind"]: one["events"] for one in events} == {"job_file_changed": 1, "retried": 1}
    text = page_of(shop).text
    assert f"{first} 1 " in text
    assert "Put back by a person: failed or skipped rows, to be delivered again 1" in text


def test_after_a_reset_only_what_came_later_is_told(shop: Shop) -> None:
    delivered(shop)
    assert shop.penstock("reset", "orders.yaml", "--yes").code == 0

    document = shop.penstock("report", "orders.yaml", "--json").document
    assert shop.penstock("report", "orders.yaml").code == 0

    assert (document["workers"], document["runs"], document["events"], document["timeline"]) == (0, [], [], None)
    assert document["reset_at"] is not None
    assert "Nothing has been moved yet." in page_of(shop).text
    assert "this page tells of what came after" in page_of(shop).text


def test_no_secret_stands_on_the_page(shop: Shop) -> None:
    job = (shop.folder / "orders.yaml").read_text()
    job = job.replace("/orders\n", "/orders?token=tell-no-one&pin=${PIN}&no={{ order_no }}\n")
    job = job.replace("table: orders\n", "query: SELECT id, order_no, total FROM orders WHERE '${PIN}' <> ''\n")
    (shop.folder / "orders.yaml").write_text(job)
    (shop.folder / ".env").write_text("PIN=PIN98765\n")
    delivered(shop)

    html = shop.penstock("report", "orders.yaml")
    document = shop.penstock("report", "orders.yaml", "--json")

    assert html.code == 0
    for text in (page_of(shop).text, (shop.folder / "orders-report.html").read_text(), document.out):
        assert "tell-no-one" not in text
        assert "PIN98765" not in text
        assert TOKEN not in text
    assert "/orders?token=***&pin=***&no={{ order_no }}" in page_of(shop).text


def test_what_verify_found_stands_on_the_page(shop: Shop) -> None:
    delivered(shop)
    found = [
        {"kind": "missing", "key": 3, "state": "imported"},
        {"kind": "differing", "key": 4, "field": "total", "expected": "4.00", "found": "4.01"},
        {"kind": "differing", "key": "<script>alert(1)</script>", "detail": "<b>bold</b>"},
    ]
    (shop.folder / "found.jsonl").write_text("".join(json.dumps(line) + "\n" for line in found))

    ended = shop.penstock("report", "orders.yaml", "--findings", "found.jsonl", "--out", "signed.html")
    document = shop.penstock("report", "orders.yaml", "--findings", "found.jsonl", "--json").document

    assert ended.code == 0
    text = page_of(shop, "signed.html").text
    assert "3 differences were found between source, ledger and new system." in text
    assert "differing 2 4 field total expected 4.00 found 4.01" in text
    assert "<script>alert(1)</script> detail <b>bold</b>" in text
    verification = document["verification"]
    assert isinstance(verification, dict)
    assert (verification["findings"], verification["kinds"]) == (3, {"differing": 2, "missing": 1})


def test_a_report_may_verify_by_itself(shop: Shop) -> None:
    delivered(shop)
    with closing(sqlite3.connect(shop.folder / "shop.db")) as connection:
        connection.execute("CREATE TABLE arrived AS SELECT id, total FROM orders WHERE id > 2")
        connection.commit()
    with (shop.folder / "orders.yaml").open("a") as job:
        job.write(
            "verify:\n  url: sqlite:///shop.db\n  query: SELECT id, total FROM arrived\n  key: id\n"
            '  compare: {total: "{{ total }}"}\n'
        )

    document = shop.penstock("report", "orders.yaml", "--verify", "--json").document
    ended = shop.penstock("report", "orders.yaml", "--verify")

    verification = document["verification"]
    assert isinstance(verification, dict)
    assert verification["kinds"] == {"missing": 2, "arrived": 1}  # the refused order is there as well
    assert (verification["rows"], verification["records"]) == (ORDERS, ORDERS - 2)
    assert ended.code == 0
    text = page_of(shop, "orders-report.html").text
    assert "3 differences were found" in text
    assert f"{ORDERS} rows of the source and {ORDERS - 2} records of" in text
    assert shop.penstock("report", "orders.yaml", "--verify", "--findings", "x.jsonl").code == 2


def test_what_verify_really_prints_is_understood(shop: Shop) -> None:
    delivered(shop)
    with closing(sqlite3.connect(shop.folder / "shop.db")) as connection:
        connection.execute("UPDATE orders SET is_import = 0 WHERE id = 3")
        connection.commit()
    found = shop.penstock("verify", "orders.yaml", "--json")
    assert found.code == 1
    (shop.folder / "found.jsonl").write_text(found.out)

    verification = shop.penstock("report", "orders.yaml", "--findings", "found.jsonl", "--json").document[
        "verification"
    ]

    assert isinstance(verification, dict)
    assert verification["findings"] == len(found.lines) >= 1
    assert set(verification["kinds"]) == {line["kind"] for line in found.lines}


def test_a_file_that_is_not_of_verify_is_refused_before_anything_is_written(shop: Shop) -> None:
    delivered(shop)
    (shop.folder / "other.jsonl").write_text('{"kind": "missing", "key": 1}\n{"no": "finding"}\n')

    ended = shop.penstock("report", "orders.yaml", "--findings", "other.jsonl")
    missing = shop.penstock("report", "orders.yaml", "--findings", "nowhere.jsonl")

    assert (ended.code, missing.code) == (2, 2)
    assert "other.jsonl:2 is no finding of `penstock verify orders.yaml --json`" in ended.err
    assert "nowhere.jsonl cannot be read (No such file or directory)" in missing.err
    assert not (shop.folder / "orders-report.html").exists()


def test_a_page_that_is_there_is_replaced_only_if_asked(shop: Shop) -> None:
    delivered(shop)
    assert shop.penstock("report", "orders.yaml").code == 0

    assert shop.penstock("report", "orders.yaml").code == 2
    assert shop.penstock("report", "orders.yaml", "--force").code == 0
    assert shop.penstock("report", "orders.yaml", "--json", "--out", "a.html").code == 2


def test_a_ledger_that_was_changed_from_outside_is_told(shop: Shop) -> None:
    delivered(shop)
    with closing(sqlite3.connect(shop.folder / "shop.db")) as connection:
        connection.execute("UPDATE penstock_rows SET state = 'skipped' WHERE row_key = '3'")
        connection.commit()

    document = shop.penstock("report", "orders.yaml", "--json").document

    assert (document["adds_up"], document["clean"]) == (False, False)


def test_without_a_ledger_it_says_what_to_type(shop: Shop) -> None:
    ended = shop.penstock("report", "orders.yaml")

    assert ended.code == 2
    assert "penstock prepare orders.yaml" in ended.err
    assert not (shop.folder / "orders-report.html").exists()
