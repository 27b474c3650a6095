"""What a message says of a row that ended badly, and what it never says. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from penstock.engine.idempotency import IdempotencyKeys
from penstock.ledger.rows import Notice
from penstock.ledger.states import RowState
from penstock.rows import Row
from penstock.spec.loader import load
from penstock.wiring import notices
from penstock.wiring.notices import Payload, message_of

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 120000, tzinfo=UTC)
NOTICE = Notice("42", 7, RowState.FAILED, 2, 422, "no such article", MOMENT, is_told=False)
COLUMNS = ("id", "name")

JOB = """\
name: orders
source: {{url: "sqlite:///old.db", table: orders, key: id}}
target:
  url: https://api.example.com/v2/orders
  headers: {{Authorization: "Bearer ${{API_TOKEN}}"}}
  {target}
"""


def payload(folder: Path, target: str = "") -> Payload:
    file = folder / "orders.yaml"
    file.write_text(JOB.format(target=target))
    job = load(file, environment={"API_TOKEN": "token-1234", "SHOP": "north-shop"})
    return Payload(job, COLUMNS, IdempotencyKeys("orders", "https://api.example.com/v2/orders", 1))


def said(payload: Payload, *values: object) -> dict[str, Any]:
    message = message_of("orders", payload, NOTICE, Row("42", values))
    content: dict[str, Any] = json.loads(message.body)
    return content


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("1042", b"1042"),
        ('"A-17"', b'"A-17"'),
        ('["north",17]', b'["north",17]'),
        ("123456789012345678901234567890", b"123456789012345678901234567890"),
        ('{"date":"2024-02-29"}', b'"2024-02-29"'),
    ],
)
def test_keys_are_as_rows_prints_them(key: str, shown: bytes) -> None:
    assert b'"key":' + shown + b"," in message_of("orders", None, NOTICE._replace(key=key), None).body


def test_a_message_of_the_same_row_as_it_was_then_has_the_same_name() -> None:
    name = message_of("orders", None, NOTICE, None).message_id

    assert message_of("orders", None, NOTICE._replace(range_no=8), None).message_id == name
    others = [
        message_of("customers", None, NOTICE, None),
        message_of("orders", None, NOTICE._replace(key="43"), None),
        message_of("orders", None, NOTICE._replace(updated_at=MOMENT + timedelta(microseconds=1)), None),
    ]
    assert len({name, *[other.message_id for other in others]}) == 4


def test_the_state_is_in_the_routing_key() -> None:
    assert message_of("orders", None, NOTICE, None).routing_key == "orders.failed"
    assert message_of("orders", None, NOTICE._replace(state=RowState.IN_DOUBT), None).routing_key == "orders.in_doubt"


def test_without_a_payload_nothing_is_said_of_one() -> None:
    content = json.loads(message_of("orders", None, NOTICE, Row("42", (42, "Ann"))).body)

    assert list(content) == ["v", "job", "key", "state", "status", "reason", "attempts", "updated_at"]
    assert content["updated_at"] == "2026-01-02T03:04:05.120000Z"


def test_the_payload_is_the_body_of_the_request(tmp_path: Path) -> None:
    mapped = payload(tmp_path, 'body: {no: "{{ id }}", who: "{{ name | upper }}"}')

    assert said(mapped, 42, "Ann")["payload"] == {"no": 42, "who": "ANN"}


def test_a_request_without_a_body_has_an_empty_payload(tmp_path: Path) -> None:
    assert said(payload(tmp_path, "method: GET"), 42, "Ann")["payload"] is None


def test_a_variable_of_the_body_is_hidden_and_the_same_word_elsewhere_is_not(tmp_path: Path) -> None:
    with_shop = payload(tmp_path, 'body: {shop: "${SHOP}", name: "{{ name }}"}')
    assert said(with_shop, 42, "Ann")["payload"] == {"shop": "***", "name": "Ann"}
    assert said(payload(tmp_path), 42, "token-1234")["payload"] == {"id": 42, "name": "token-1234"}


def test_a_body_that_is_too_large_for_a_message_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "MOST_PAYLOAD", 1000)
    mapped = payload(tmp_path)

    assert said(mapped, 42, "x" * 900)["payload"]["id"] == 42
    content = said(mapped, 42, "x" * 1000)
    assert content["payload_error"] == "the body has 1,019 bytes; at most 1,000 go into a message"
    assert "payload" not in content


def test_an_error_of_the_mapping_names_no_secret(tmp_path: Path) -> None:
    mapped = payload(tmp_path, 'body: {no: "{{ name.missing }}"}')

    error = said(mapped, 42, "token-1234")["payload_error"]
    assert 'column "name"' in error
    assert "token-1234" not in error
