"""What people see of the probe: before a run, after it, and of one row."""

from __future__ import annotations

from tests.cli.conftest import Shop

PROBE = """\
  probe:
    url: http://127.0.0.1:{port}/orders?external={{{{ order_no }}}}
    found: "{{{{ status == 200 and body.data.total == 1 }}}}"
    absent: "{{{{ status == 200 and body.data.total == 0 }}}}"
delivery:"""


def asking(shop: Shop) -> Shop:
    file = shop.folder / "orders.yaml"
    text = file.read_text().replace("idempotent: true", "idempotent: false")
    port = text.partition("127.0.0.1:")[2].partition("/")[0]
    file.write_text(text.replace("delivery:", PROBE.format(port=port), 1))
    assert shop.penstock("prepare", "orders.yaml").code == 0
    return shop


def test_check_shows_how_the_first_row_would_be_asked_about_and_asks_nothing(shop: Shop) -> None:
    ended = asking(shop).penstock("check", "orders.yaml")
    assert ended.code == 0, ended.err
    assert ended.err.count("were row 1 in doubt, the API would be asked:") == 1
    assert "curl --include --request GET 'http://127.0.0.1:" in ended.err
    assert "/orders?external=A-1'" in ended.err
    assert "'Cache-Control: no-cache'" in ended.err
    assert "canary" not in ended.err
    assert shop.api.stats()["requests"] == 0


def test_check_in_json_has_the_question_of_the_first_row_alone(shop: Shop) -> None:
    samples = asking(shop).penstock("check", "orders.yaml", "--json").document["samples"]
    assert isinstance(samples, list)
    assert [("probe" in sample) for sample in samples] == [True] + [False] * 9
    assert samples[0]["probe"]["method"] == "GET"
    assert samples[0]["probe"]["headers"]["Authorization"] == "Bearer $API_TOKEN"
    assert "Idempotency-Key" not in samples[0]["probe"]["headers"]


def test_show_gives_the_question_to_type(shop: Shop) -> None:
    ended = asking(shop).penstock("show", "orders.yaml", "3")
    assert "to ask whether it has arrived (target.probe; running this sends no row):" in ended.err
    assert "/orders?external=A-3'" in ended.err


def test_a_probe_of_a_column_that_is_not_there_is_told_before_the_ledger_hears_of_a_run(shop: Shop) -> None:
    asking(shop)
    file = shop.folder / "orders.yaml"
    file.write_text(file.read_text().replace("external={{ order_no }}", "external={{ number }}"))
    ended = shop.penstock("run", "orders.yaml")
    assert ended.code == 2
    assert "target.probe.url" in ended.err
    assert shop.penstock("status", "orders.yaml", "--json").document["workers"] == []
