"""The commands as people and scripts meet them: real processes, a real shop, a real API."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import cast

from tests.cli.conftest import BAD_ORDER, ORDERS, Shop

from penstock import __version__
from penstock.demo.api import TOKEN

GOOD = ORDERS - 1


def prepared(shop: Shop) -> Shop:
    assert shop.penstock("prepare", "orders.yaml").code == 0
    return shop


def delivered(shop: Shop) -> Shop:
    assert prepared(shop).penstock("run", "orders.yaml").code == 1
    return shop


def test_a_run_without_a_ledger_says_what_to_type_and_touches_nothing(shop: Shop) -> None:
    ended = shop.penstock("run", "orders.yaml")
    assert ended.code == 2
    assert "penstock prepare" in ended.err
    assert shop.api.stats()["requests"] == 0


def test_a_run_delivers_and_says_what_needs_a_person(shop: Shop) -> None:
    ended = prepared(shop).penstock("run", "orders.yaml")
    assert ended.code == 1
    assert ended.out == ""
    assert "1 row failed: refused with 422" in ended.err
    assert "penstock retry orders.yaml --status 422" in ended.err
    assert shop.imported() == GOOD


def test_the_json_line_of_a_run_is_all_there_is_on_stdout(shop: Shop) -> None:
    document = prepared(shop).penstock("run", "orders.yaml", "--json").document
    run = document.pop("run")
    assert document == {
        "job": "orders",
        "imported": GOOD,
        "failed": 1,
        "in_doubt": 0,
        "skipped": 0,
        "pending": 0,
        "pending_exact": True,
    }
    assert isinstance(run, dict)
    assert run.keys() == {"sent", "imported", "attempts", "seconds", "rows_per_second"}
    assert (run["sent"], run["imported"], run["attempts"]) == (ORDERS, GOOD, ORDERS)


def test_a_second_run_has_nothing_to_do(shop: Shop) -> None:
    document = delivered(shop).penstock("run", "orders.yaml", "--json").document
    assert document["imported"] == GOOD
    run = document["run"]
    assert isinstance(run, dict)
    assert (run["sent"], run["imported"], run["attempts"], run["rows_per_second"]) == (0, 0, 0, 0.0)


def test_a_limit_is_kept_and_is_no_early_stop(shop: Shop) -> None:
    ended = prepared(shop).penstock("run", "orders.yaml", "--limit", "5", "--json")
    assert ended.code == 0
    assert (ended.document["imported"], shop.api.applied()) == (5, 5)


def test_one_key_is_delivered_alone(shop: Shop) -> None:
    ended = prepared(shop).penstock("run", "orders.yaml", "--key", "12", "--json")
    assert ended.code == 0
    assert (ended.document["imported"], shop.api.applied()) == (1, 1)
    assert [row["key"] for row in shop.penstock("rows", "orders.yaml", "--json").lines] == [12]


def test_status_tells_counts_and_causes(shop: Shop) -> None:
    ended = delivered(shop).penstock("status", "orders.yaml", "--json")
    assert ended.code == 0
    document = ended.document
    assert (document["imported"], document["failed"], document["pending"], document["workers"]) == (GOOD, 1, 0, [])
    causes = document["causes"]
    assert isinstance(causes, list)
    assert [(one["state"], one["status"], one["rows"], one["example"]) for one in causes] == [
        ("failed", 422, 1, BAD_ORDER)
    ]


def test_status_for_people_goes_to_stderr(shop: Shop) -> None:
    ended = delivered(shop).penstock("status", "orders.yaml")
    assert ended.out == ""
    assert f"{ORDERS} of {ORDERS} (100%), no worker is running" in ended.err


def test_status_lists_the_workers(very_slow_shop: Shop) -> None:
    shop = prepared(very_slow_shop)
    shop.write_job(concurrency=1)  # forty seconds, of which this takes a few
    process = shop.start("run", "orders.yaml")
    try:
        workers: list[dict[str, object]] = []
        while not workers or not workers[0]["in_flight"]:
            assert process.poll() is None
            workers = cast(
                "list[dict[str, object]]", shop.penstock("status", "orders.yaml", "--json").document["workers"]
            )
        [worker] = workers
        shown = shop.penstock("status", "orders.yaml", environment={"COLUMNS": "140"}).err
        process.kill()
        process.wait()
        gone = shop.penstock("status", "orders.yaml", environment={"COLUMNS": "140"}).err
    finally:
        process.kill()
        process.communicate()
    assert (worker["pid"], worker["version"], worker["alive"], worker["ranges"]) == (process.pid, __version__, True, 1)
    assert worker.keys() == {
        *("host", "pid", "version", "alive", "started_at", "seen_at", "seconds_silent", "ranges"),
        *("in_flight", "concurrency", "rows_per_second", "limited_by", "hold"),
    }
    assert isinstance(worker["seconds_silent"], float)
    assert 0.0 <= worker["seconds_silent"] < 60.0
    [heading] = [line for line in shown.splitlines() if "penstock" in line and "since" in line]
    assert heading.split() == [
        "worker",
        "penstock",
        "since",
        "ranges",
        "in",
        "flight",
        "rows/s",
        "limited",
        "by",
        "heard",
    ]
    [line] = [line for line in shown.splitlines() if f"pid {process.pid}" in line]
    assert __version__ in line
    assert " of 1 " in line
    assert line.rstrip().endswith(" s ago")
    [line] = [line for line in gone.splitlines() if f"pid {process.pid}" in line]
    assert "gone" in line
    assert line.rstrip().endswith(" ago")


def test_rows_are_one_line_each(shop: Shop) -> None:
    lines = delivered(shop).penstock("rows", "orders.yaml", "--json").lines
    assert len(lines) == ORDERS
    assert all(
        line.keys() == {"key", "state", "attempts", "status", "reason", "receipt", "updated_at"} for line in lines
    )
    [failed] = shop.penstock("rows", "orders.yaml", "--json", "--state", "failed").lines
    assert (failed["key"], failed["status"], failed["receipt"]) == (BAD_ORDER, 422, None)


def test_show_tells_a_rows_history_and_its_request_without_its_secret(shop: Shop) -> None:
    document = delivered(shop).penstock("show", "orders.yaml", str(BAD_ORDER), "--json").document
    assert (document["key"], document["state"], document["status"]) == (BAD_ORDER, "failed", 422)
    assert "total" in str(document["answer"])
    request = document["request"]
    assert isinstance(request, dict)
    assert request["headers"]["Authorization"] == "Bearer $API_TOKEN"
    assert json.loads(request["body"])["orderNo"] == f"A-{BAD_ORDER}"
    assert request["curl"].startswith(f"curl --include --request POST http://127.0.0.1:{shop.api.port}/orders")


def test_show_of_a_row_that_no_worker_has_reached_still_shows_its_request(shop: Shop) -> None:
    document = prepared(shop).penstock("show", "orders.yaml", "3", "--json").document
    assert document["state"] is None
    assert document["request"] is not None


def test_check_sends_nothing_and_shows_the_first_requests(shop: Shop) -> None:
    ended = prepared(shop).penstock("check", "orders.yaml", "--json")
    assert ended.code == 0, ended.err
    samples = ended.document["samples"]
    assert isinstance(samples, list)
    assert [sample["key"] for sample in samples] == list(range(1, 11))
    assert shop.api.stats()["requests"] == 0


def test_check_shows_people_one_request_whole_and_of_the_others_what_differs(shop: Shop) -> None:
    ended = prepared(shop).penstock("check", "orders.yaml")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.count("Authorization: Bearer $API_TOKEN") == 1
    assert ended.err.count("Idempotency-Key: ") == 10
    assert ended.err.count('"orderNo":"A-10"') == 1
    assert ended.err.endswith("orders: ready: penstock run orders.yaml\n")


def test_a_job_that_tells_others_is_checked_and_not_run_without_a_broker(shop: Shop) -> None:
    file = shop.folder / "orders.yaml"
    file.write_text(file.read_text().replace("stop_at: never", "stop_at: never, notices: {exchange: migration}"))
    checked = prepared(shop).penstock("check", "orders.yaml")
    assert checked.code == 0
    assert "a run needs --broker amqp://..., and the exchange has to be there" in checked.err
    assert checked.err.endswith("orders: ready: penstock run orders.yaml --broker amqp://...\n")
    for processes in ("1", "2"):
        run = shop.penstock("run", "orders.yaml", "--processes", processes)
        assert run.code == 2
        assert "add --broker amqp://..., or leave delivery.notices out" in run.err
    assert shop.api.stats()["requests"] == 0


def test_check_of_a_target_that_does_not_answer_may_be_run_later(shop: Shop) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        shop.write_job("orders", port=closed.getsockname()[1])
        prepared(shop)
        ended = shop.penstock("check", "orders.yaml")
    assert ended.code == 3
    assert "connection refused" in ended.err


def test_check_of_rows_that_do_not_map_has_findings(shop: Shop) -> None:
    file = shop.folder / "orders.yaml"
    file.write_text(file.read_text().replace("{{ order_no }}", "{{ order_no | from_json }}"))
    ended = prepared(shop).penstock("check", "orders.yaml")
    assert ended.code == 1
    assert "does not map" in ended.err


def test_pause_set_and_resume_are_kept_in_the_ledger(shop: Shop) -> None:
    prepared(shop).penstock("run", "orders.yaml", "--limit", "1")
    assert shop.penstock("pause", "orders.yaml", "--json").document["paused"] is True
    document = shop.penstock("set", "orders.yaml", "rate=200/s", "concurrency=8", "--json").document
    assert (document["rate"], document["concurrency"], document["paused"]) == (200.0, 8, True)
    assert shop.penstock("set", "orders.yaml", "rate=default", "--json").document["rate"] is None
    document = shop.penstock("status", "orders.yaml", "--json").document
    assert (document["rate"], document["concurrency"], document["paused"]) == (None, 8, True)
    assert shop.penstock("resume", "orders.yaml", "--json").document["paused"] is False


def test_a_failed_row_goes_again_after_retry(shop: Shop) -> None:
    file = delivered(shop).folder / "orders.yaml"
    file.write_text(file.read_text().replace("{{ total }}", "{{ total | abs }}"))
    assert shop.penstock("retry", "orders.yaml", "--status", "422", "--json").document == {
        "job": "orders",
        "retried": 1,
    }
    assert shop.penstock("run", "orders.yaml").code == 0
    assert shop.imported() == ORDERS


def test_a_retry_that_matches_nothing_says_so(shop: Shop) -> None:
    ended = delivered(shop).penstock("retry", "orders.yaml", "--status", "418")
    assert ended.code == 0
    assert "no row matches (failed, last answered 418)" in ended.err


def test_resolve_wants_to_know_how_you_know(shop: Shop) -> None:
    ended = delivered(shop).penstock("resolve", "orders.yaml", "--all", "--as", "pending")
    assert ended.code == 2
    assert "this would make 0 rows pending" in ended.err
    assert "--note" in ended.err


def test_resolve_wants_a_selection(shop: Shop) -> None:
    ended = delivered(shop).penstock("resolve", "orders.yaml", "--as", "pending", "--note", "x")
    assert ended.code == 2
    assert "--all" in ended.err


def test_reset_forgets_only_when_told_twice(shop: Shop) -> None:
    ended = delivered(shop).penstock("reset", "orders.yaml")
    assert ended.code == 2
    assert f"{ORDERS} rows, {GOOD} of them imported" in ended.err
    assert shop.penstock("reset", "orders.yaml", "--yes", "--json").document == {"job": "orders", "forgotten": ORDERS}
    assert shop.imported() == 0
    assert shop.penstock("status", "orders.yaml", "--json").document["imported"] == 0


def test_prepare_can_be_looked_at_first_and_undone(shop: Shop) -> None:
    printed = shop.penstock("prepare", "orders.yaml", "--print-sql")
    assert printed.code == 0
    assert "CREATE TABLE" in printed.out
    assert "is_import" in printed.out
    assert shop.penstock("status", "orders.yaml").code == 2
    assert prepared(shop).penstock("status", "orders.yaml").code == 0
    assert shop.penstock("prepare", "orders.yaml", "--undo").code == 0
    assert shop.penstock("status", "orders.yaml").code == 2


def test_several_files_end_with_the_code_that_matters_most(shop: Shop) -> None:
    prepared(shop)
    shop.write_job("unprepared", and_then="ledger: {url: 'sqlite:///other.db'}\n")
    ended = shop.penstock("run", "orders.yaml", "unprepared.yaml", "--json")
    assert ended.code == 2
    assert ended.document["job"] == "orders"


def test_the_schema_is_written_or_printed(shop: Shop) -> None:
    assert shop.penstock("schema").code == 0
    written = json.loads((shop.folder / "penstock.schema.json").read_text())
    assert json.loads(shop.penstock("schema", "--json").out) == written


def test_no_command_ever_shows_a_secret(shop: Shop, tmp_path: Path) -> None:
    words = ["orders.yaml"]
    shown = [
        shop.penstock("check", *words),
        shop.penstock("prepare", *words),
        shop.penstock("run", *words),
        shop.penstock("status", *words),
        shop.penstock("rows", *words),
        shop.penstock("show", *words, "7"),
        shop.penstock("check", *words, "--json"),
        shop.penstock("show", *words, "7", "--json"),
        shop.penstock("run", *words, environment={"PENSTOCK_DEBUG": "1"}),
    ]
    file = shop.folder / "orders.yaml"
    secret_url = "mysql://reader:canary-in-a-url@127.0.0.1:1/legacy?ssl=canary"
    file.write_text(file.read_text().replace("sqlite:///shop.db", secret_url))
    shown += [shop.penstock(command, *words) for command in ("check", "prepare", "run", "status", "rows", "pause")]
    for ended in shown:
        assert "canary" not in ended.out + ended.err
        assert TOKEN not in ended.out + ended.err
    assert TOKEN not in "".join(path.read_text("utf-8", "replace") for path in tmp_path.rglob("*.db"))
