"""A message is a signed number of a range of one job, or it is junk."""

from __future__ import annotations

import hashlib
import hmac
import json
import pickle

import pytest

from penstock.transport.messages import MOST_BYTES, REASON, SIGNATURE, Junk, Messages, put_aside

SECRET = b"canary-of-this-job"
MESSAGES = Messages("orders", SECRET)
RANGE = {"v": 1, "job": "orders", "range": 17}


def signed(body: bytes, secret: bytes = SECRET) -> dict[str, object]:
    return {SIGNATURE: hmac.new(secret, body, hashlib.sha256).hexdigest()}


def test_what_is_written_is_read() -> None:
    letter = MESSAGES.write(17, queue="q")
    assert json.loads(letter.body) == RANGE
    assert (letter.exchange, letter.routing_key, letter.content_type, letter.mandatory) == (
        "",
        "q",
        "application/json",
        True,
    )
    assert letter.headers == signed(letter.body)
    assert MESSAGES.read(letter.body, letter.headers) == 17


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is no JSON"),
        (b"{", "it is no JSON"),
        (b"\xff", "it is no JSON"),
        (b"[" * 4000, "it is no JSON"),
        (pickle.dumps(RANGE), "it is no JSON"),
        (b"[17]", "it has no version"),
        (json.dumps({"job": "orders", "range": 17}).encode(), "it has no version"),
        (json.dumps(RANGE | {"v": 2}).encode(), "it is of another version than 1, which this penstock reads"),
        (json.dumps(RANGE | {"v": True}).encode(), "it is of another version than 1, which this penstock reads"),
        (json.dumps(RANGE | {"v": 1.0}).encode(), "it is of another version than 1, which this penstock reads"),
        (json.dumps(RANGE | {"row": {"id": 1}}).encode(), "it does not have the keys job, range, v and no others"),
        (json.dumps({"v": 1, "job": "orders"}).encode(), "it does not have the keys job, range, v and no others"),
        (json.dumps(RANGE | {"job": "customers"}).encode(), "it is of another job"),
        (json.dumps(RANGE | {"job": ["orders"]}).encode(), "it is of another job"),
        (json.dumps(RANGE | {"range": True}).encode(), "its range is no number of a range"),
        (json.dumps(RANGE | {"range": "17"}).encode(), "its range is no number of a range"),
        (json.dumps(RANGE | {"range": 17.0}).encode(), "its range is no number of a range"),
        (json.dumps(RANGE | {"range": 0}).encode(), "its range is no number of a range"),
        (json.dumps(RANGE | {"range": -1}).encode(), "its range is no number of a range"),
        (json.dumps(RANGE | {"range": 2**63}).encode(), "its range is no number of a range"),
        (b" " * (MOST_BYTES + 1), "it has 4,097 bytes, and 4,096 at the most are read"),
    ],
)
def test_b10_junk_is_told_by_what_is_wrong_with_it(body: bytes, reason: str) -> None:
    assert MESSAGES.read(body, signed(body)) == Junk(reason)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (None, "it is not signed"),
        ({}, "it is not signed"),
        (signed(b"something else"), "its signature was not made with this job's secret"),
        (signed(json.dumps(RANGE).encode(), b"another"), "its signature was not made with this job's secret"),
        ({SIGNATURE: ""}, "its signature was not made with this job's secret"),
        ({SIGNATURE: "\udcff\u00e9"}, "its signature was not made with this job's secret"),
        ({SIGNATURE: b"bytes"}, "its signature was not made with this job's secret"),
        ({SIGNATURE: 17}, "its signature was not made with this job's secret"),
    ],
)
def test_b17_what_is_not_signed_with_the_secret_is_junk(headers: dict[str, object] | None, reason: str) -> None:
    assert MESSAGES.read(json.dumps(RANGE).encode(), headers) == Junk(reason)


def test_junk_is_put_aside_with_its_reason_and_its_signature_and_no_more_than_is_read() -> None:
    letter = put_aside(b"x" * 5000, {SIGNATURE: "s" * 100, "other": "header"}, Junk("why"), queue="dead")
    assert letter.body == b"x" * MOST_BYTES
    assert letter.headers == {REASON: "why", SIGNATURE: "s" * 64}


def test_the_secret_is_not_shown() -> None:
    assert "canary" not in repr(MESSAGES)
