"""A job file that is right: what it becomes."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.spec.conftest import job_file

from penstock.spec.loader import load
from penstock.spec.models import DEFAULT_NOT_APPLIED, Notices
from penstock.spec.units import NEVER, ShareOrCount

if TYPE_CHECKING:
    from tests.spec.conftest import LoadText

ORDERS = Path(__file__).parent / "orders.yaml"
SECRETS = {"OLD_DB_PASSWORD": "p@ss/word:1", "API_TOKEN": "token-1", "NEW_DB_PASSWORD": "new"}


@pytest.fixture
def whole_file(tmp_path: Path) -> Path:
    """The job file that uses every key, with the TLS files that it names."""
    for name in ("ca.pem", "me.pem", "me.key"):
        (tmp_path / name).write_text("PEM")
    path = tmp_path / "orders.yaml"
    path.write_bytes(ORDERS.read_bytes())
    return path


def test_a_file_with_every_key_is_read_whole(whole_file: Path) -> None:
    job = load(whole_file, environment=SECRETS)

    assert job.name == "orders"
    assert job.source.url.get_secret_value() == "mysql://reader:p%40ss%2Fword%3A1@127.0.0.1:3306/legacy"
    assert job.source.query.startswith("SELECT o.id, o.order_no")
    assert job.source.key == ("id",)
    assert job.source.flag is not None
    assert (job.source.flag.table, job.source.flag.column, job.source.flag.existing) == ("orders", "is_import", "skip")
    assert job.source.flag.set == {"new_id": "{{ receipt }}", "sent_at": "{{ now }}"}
    assert job.source.timezone == "Asia/Shanghai"
    assert job.source.zero_dates == "fail"

    target = job.target
    assert target.url.get_secret_value() == "https://api.example.com/v2/orders"
    assert target.method == "POST"
    assert target.headers["Authorization"].get_secret_value() == "Bearer token-1"
    assert target.tls.ca == str(whole_file.parent / "ca.pem")
    assert target.body["buyer"] == {"email": "{{ email | lower }}"}
    assert target.already_exists == "{{ status == 409 }}"
    assert target.accept == "{{ status < 300 and body.code == 0 }}"
    assert target.retry == "{{ body.code in [1001, 1002] }}"
    assert target.refuse == "{{ body.code >= 40000 }}"
    assert target.not_applied == DEFAULT_NOT_APPLIED
    assert target.receipt == "{{ body.data.id }}"
    assert (target.idempotent, target.idempotent_for) == (False, None)
    assert target.probe is not None
    assert target.probe.after == 600.0

    delivery = job.delivery
    assert (delivery.concurrency, delivery.max_concurrency, delivery.rate) == ("auto", 256, 500.0)
    assert (delivery.timeout.connect, delivery.timeout.total) == (5.0, 30.0)
    assert (delivery.attempts, delivery.backoff.first, delivery.backoff.max) == (8, 0.2, 30.0)
    assert (delivery.give_up_after, delivery.stop_at) == (14400.0, ShareOrCount(share=0.05))
    assert delivery.notices == Notices(exchange="migration", payload=False)
    assert delivery.max_in_doubt == 1000
    assert job.ledger.url.get_secret_value() == "sqlite:///ledger.db"
    assert job.ledger.lease == 75.0
    assert job.verify is not None
    assert job.verify.compare == {"total": "{{ total }}"}
    assert job.folder == str(whole_file.parent)


def test_what_is_left_out_has_the_documented_default(load_text: LoadText) -> None:
    job = load_text(job_file())

    assert job.source.query == 'SELECT * FROM "orders"'
    assert job.source.flag is None
    assert job.source.zero_dates == "fail"
    assert (job.target.method, job.target.body, job.target.accept) == ("POST", None, None)
    assert job.target.not_applied == DEFAULT_NOT_APPLIED
    assert (job.delivery.timeout.connect, job.delivery.timeout.total) == (5.0, 30.0)
    assert job.delivery.stop_at == ShareOrCount(share=0.05)
    assert job.delivery.notices is None
    assert job.ledger.url == job.source.url
    assert job.ledger.lease == 75.0
    assert job.verify is None


@pytest.mark.parametrize(
    ("url", "table", "query"),
    [
        ("mysql://u@h/old", "orders", "SELECT * FROM `orders`"),
        ("mariadb://u@h/old", "shop.order`s", "SELECT * FROM `shop`.`order``s`"),
        ("sqlite:///old.db", 'or"ders', 'SELECT * FROM "or""ders"'),
        ("postgresql://u@h/old", "Shop.Order", 'SELECT * FROM "shop"."order"'),
        ("postgresql://u@h/old", '"Old Shop"."Orders"', 'SELECT * FROM "Old Shop"."Orders"'),
        ("postgresql://u@h/old", 'shop . "Orders.2024"', 'SELECT * FROM "shop"."Orders.2024"'),
        ("mysql://u@h/old", "shop.`orders.2024`", "SELECT * FROM `shop`.`orders.2024`"),
        ("sqlite:///old.db", '"a "" b.c"', 'SELECT * FROM "a "" b.c"'),
    ],
)
def test_a_table_is_read_by_its_quoted_name(load_text: LoadText, url: str, table: str, query: str) -> None:
    text = job_file().replace("sqlite:///old.db", url).replace("table: orders", f"table: '{table}'")

    assert load_text(text).source.query == query


@pytest.mark.parametrize(("total", "lease"), [("10s", 60.0), ("22500ms", 60.0), ("60s", 135.0)])
def test_the_lease_follows_the_longest_attempt(load_text: LoadText, total: str, lease: float) -> None:
    assert load_text(job_file(rest=f"delivery: {{timeout: {{total: {total}}}}}")).ledger.lease == lease


def test_a_lease_alone_leaves_the_ledger_beside_the_source(load_text: LoadText) -> None:
    job = load_text(job_file(rest="ledger: {lease: 90s}"))

    assert (job.ledger.url, job.ledger.lease) == (job.source.url, 90.0)


def test_several_columns_make_one_key(load_text: LoadText) -> None:
    job = load_text(job_file().replace("key: id", "key: [warehouse, sku]"))

    assert job.source.key == ("warehouse", "sku")


def test_added_statuses_extend_the_default_and_a_list_replaces_it(load_text: LoadText) -> None:
    assert load_text(job_file(target="not_applied: {add: [500]}")).target.not_applied == DEFAULT_NOT_APPLIED | {500}
    assert load_text(job_file(target="not_applied: [422]")).target.not_applied == {422}


@pytest.mark.parametrize(
    ("written", "idempotent", "seconds"), [("true", True, None), ("false", False, None), ("{for: 24h}", True, 86400.0)]
)
def test_a_repeat_may_be_harmless_for_ever_or_for_a_while(
    load_text: LoadText, written: str, idempotent: bool, seconds: float | None
) -> None:
    target = load_text(job_file(target=f"idempotent: {written}")).target

    assert (target.idempotent, target.idempotent_for) == (idempotent, seconds)


@pytest.mark.parametrize("written", ["null", "'null'", "~"])
def test_zero_dates_may_become_null(load_text: LoadText, written: str) -> None:
    assert load_text(job_file(source=f"zero_dates: {written}")).source.zero_dates == "null"


def test_limits_may_be_lifted(load_text: LoadText) -> None:
    delivery = load_text(job_file(rest="delivery: {give_up_after: never, stop_at: never, concurrency: 32}")).delivery

    assert (delivery.give_up_after, delivery.stop_at, delivery.concurrency) == (NEVER, ShareOrCount(), 32)


def test_a_short_bound_needs_no_word_about_what_it_bounds(load_text: LoadText) -> None:
    delivery = load_text(job_file(rest="delivery: {timeout: {total: 2s}, backoff: {max: 100ms}}")).delivery

    assert (delivery.timeout.total, delivery.backoff.max) == (2.0, 0.1)


def test_a_success_may_refuse_where_the_file_says_what_accepts(load_text: LoadText) -> None:
    target = load_text(job_file(target="not_applied: [202]\naccept: '{{ status == 201 }}'")).target

    assert target.not_applied == {202}


def test_literals_of_a_body_are_any_json_and_keep_every_digit(load_text: LoadText) -> None:
    body = load_text(
        job_file(
            target="body: {a: 1.10, b: 12345678901234567890123, c: [true, null, 'x'], d: 2024-01-01, e: on, 7: 0x1F, f: 007}"
        )
    ).target.body

    assert body == {
        "a": Decimal("1.10"),
        "b": 12345678901234567890123,
        "c": [True, None, "x"],
        "d": "2024-01-01",
        "e": "on",
        "7": 31,
        "f": 7,
    }
    assert str(body["a"]) == "1.10"


def test_expressions_may_stand_in_path_and_query_of_the_url(load_text: LoadText) -> None:
    url = "https://api.example.com:8443/orders/{{ id }}?no={{ order_no | upper }}"
    text = job_file().replace("https://api.example.com/orders", f'"{url}"')

    assert load_text(text).target.url.get_secret_value() == url


def test_an_alias_stands_for_what_it_names(load_text: LoadText) -> None:
    body = load_text(job_file(target="body: {buyer: &person {name: '{{ name }}'}, payer: *person}")).target.body

    assert body["payer"] == {"name": "{{ name }}"}


def test_the_hash_is_of_the_text_and_not_of_its_line_ends_or_secrets(tmp_path: Path) -> None:
    text = job_file(target='headers: {Authorization: "Bearer ${TOKEN}"}')
    unix, windows = tmp_path / "unix.yaml", tmp_path / "windows.yaml"
    unix.write_bytes(text.encode())
    windows.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

    one, other = load(unix, environment={"TOKEN": "1"}), load(str(windows), environment={"TOKEN": "2"})

    assert one.file_hash == other.file_hash == hashlib.sha256(text.encode()).hexdigest()


def test_no_secret_is_printed_with_the_job(whole_file: Path) -> None:
    printed = repr(load(whole_file, environment=SECRETS))

    assert "token-1" not in printed
    assert "p%40ss" not in printed
