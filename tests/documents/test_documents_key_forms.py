"""What MongoDB is asked for a key: of which kinds, and where that differs from what the test server can hold."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from bson import DatetimeMS, ObjectId, decode, encode
from bson.binary import Binary, UuidRepresentation
from bson.decimal128 import Decimal128
from bson.max_key import MaxKey

from penstock.documents.bson_values import READING, Values
from penstock.documents.key_forms import forms_of
from penstock.documents.questions import beyond, by_keys, projection_of
from penstock.rows import Unreadable

A_HEX = "64b7f0c2a1d3e4f5a6b7c8d9"
AN_ID = UUID("9f1c1a52-6a5b-4b70-8f5e-0c5d2a3b4c5d")


def forms(value: object, *, decimals: bool = True) -> list[object]:
    return forms_of(value, legacy=UuidRepresentation.PYTHON_LEGACY, decimals=decimals)


# FerretDB 1, which the tests run on, knows no Decimal128.
@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Decimal("12.50"), [12.5, Decimal128("12.50"), "12.50", "12.5"]),
        (Decimal("42.00"), [42, "42.00", "42"]),
        ("12.50", ["12.50", 12.5, Decimal128("12.50")]),
        (2**63, [float(2**63), Decimal128(str(2**63)), str(2**63)]),
        (Decimal("NaN"), ["NaN"]),
        ("1" * 19, ["1" * 19, int("1" * 19)]),
        ("007", ["007"]),
        ("-0", ["-0", 0]),
        ("2026-13-31", ["2026-13-31"]),
        (A_HEX, [A_HEX, bytes.fromhex(A_HEX), ObjectId(A_HEX)]),
        ("00ff", ["00ff", b"\x00\xff"]),
        ("abc", ["abc"]),
        (AN_ID, [Binary(AN_ID.bytes, 4), Binary(AN_ID.bytes, 3), str(AN_ID), str(AN_ID).upper()]),
        (True, [True]),
        (None, ["None"]),
    ],
)
def test_a_key_is_asked_for_in_every_form_it_may_have(key: object, expected: list[object]) -> None:
    assert forms(key) == expected


def test_a_server_that_knows_no_decimals_is_not_asked_for_one() -> None:
    assert forms(Decimal("12.50"), decimals=False) == [12.5, "12.50", "12.5"]


@pytest.mark.parametrize("digits", [1, 34, 35, 400])
def test_keys_of_any_length_can_be_sent(digits: int) -> None:
    for key in (10**digits - 1, Decimal(10**digits - 1), Decimal(f"0.{'3' * digits}"), "3" * digits, 10.0**300):
        encode({"key": {"$in": forms(key)}}, codec_options=READING)


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        (Decimal128("12.50"), Decimal("12.50")),
        (DatetimeMS(2**60), Unreadable(f"a date {2**60} ms from 1970 is none between the years 1 and 9999")),
        (MaxKey(), Unreadable("BSON's MaxKey has no form outside of MongoDB")),
        (Binary(AN_ID.bytes, 3), AN_ID),
        (Binary(b"short", 3), b"short"),
    ],
)
def test_what_the_test_server_cannot_hold_is_read_as_well(stored: object, found: object) -> None:
    document = decode(encode({"value": stored}), codec_options=READING)
    assert Values().of(document["value"]) == found


def test_a_text_that_is_no_utf_8_is_read_as_one_that_equals_nothing() -> None:
    broken = encode({"value": "ab"}).replace(b"ab", b"a\xff")
    assert Values().of(decode(broken, codec_options=READING)["value"]) == "a\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("last", "first"),
    [
        (7, {"_id": {"$gt": 7}}),
        (True, {"_id": {"$gt": True}}),
        (float("-inf"), {"_id": {"$gt": float("-inf")}}),
        (datetime(2026, 1, 1, tzinfo=UTC), {"_id": {"$gt": datetime(2026, 1, 1, tzinfo=UTC)}}),
    ],
)
def test_a_walk_goes_on_behind_a_value_and_then_behind_its_type(last: object, first: object) -> None:
    assert beyond(last)[0] == first
    [[names], *rest] = [list(condition) for condition in beyond(last)[1:]]
    assert (names, rest) == ("$nor", [])


def test_a_walk_goes_on_behind_what_no_number_is_greater_than() -> None:
    not_a_number = float("nan")
    condition = beyond(not_a_number)[0]
    assert condition == {"_id": {"$type": "number", "$ne": not_a_number}}


def test_a_bool_lies_behind_the_numbers() -> None:
    nor = beyond(False)[1]["$nor"]
    assert isinstance(nor, list)
    assert nor[-1] == {"_id": {"$type": "bool"}}


def test_keys_of_several_parts_share_what_they_agree_in() -> None:
    keys: list[tuple[object, ...]] = [("7", 0), ("b", 1), (7, 2)]
    forms: list[list[list[object]]] = [[["7", 7], [0]], [["b"], [1]], [[7, "7"], [2]]]
    assert list(by_keys(["x", "y"], keys, forms)) == [
        {"$or": [{"x": {"$in": ["7", 7]}, "y": {"$in": [0, 2]}}, {"x": {"$in": ["b"]}, "y": {"$in": [1]}}]}
    ]


@pytest.mark.parametrize(
    ("names", "asked", "projection"),
    [
        (["key"], None, {"_id": 0, "key": 1}),
        (["_id", "total"], None, {"_id": 1, "total": 1}),
        (["key", "items.0.sku", "items.1.sku"], None, {"_id": 0, "items": 1, "key": 1}),
        (["key", "key.part"], None, {"_id": 0, "key": 1}),
        (["key", "buyer.email"], {"buyer": 1}, {"_id": 0, "key": 1, "buyer": 1}),
        (["key", "buyer"], {"buyer.email": 1}, {"_id": 0, "buyer": 1, "key": 1}),
        (["key"], {"_id": 1}, {"_id": 1, "key": 1}),
        (["key"], {"note": 0}, {"note": 0}),
        (["key"], {"items": {"$slice": 1}}, {"_id": 0, "key": 1, "items": {"$slice": 1}}),
    ],
)
def test_a_projection_holds_each_field_once(
    names: list[str], asked: dict[str, object] | None, projection: dict[str, object]
) -> None:
    assert projection_of(names, asked) == projection
