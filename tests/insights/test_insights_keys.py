"""What a person types as a key, and the ledger's key that it means."""

import shlex
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.insights.keys import FoundKey, find_key, json_key, key_candidates, plain_key, typed_key
from penstock.rows import Key, KeyText, encode_key

VALUES = st.one_of(
    st.integers(),
    st.text(),
    st.binary(min_size=1),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12),
    st.dates(),
    st.datetimes(),
    st.uuids(),
)
KEYS = st.one_of(st.tuples(VALUES), st.tuples(VALUES, VALUES))


async def found(typed: str, known: Collection[KeyText] = (), example: KeyText | None = None) -> FoundKey:
    async def is_known(key: KeyText) -> bool:
        return key in known

    return await find_key(typed, is_known=is_known, example=example)


@given(KEYS)
def test_what_is_shown_of_a_key_can_be_typed_again(key: Key) -> None:
    text = encode_key(key)
    assert text in key_candidates(plain_key(text))
    assert shlex.split(typed_key(text)) == [plain_key(text)]


@given(st.text())
def test_whatever_is_typed_means_at_least_the_text_itself(typed: str) -> None:
    assert encode_key((typed,)) in key_candidates(typed)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("1042", (1042,)),
        ("-3", (-3,)),
        ("17.50", (Decimal("17.50"),)),
        ("A-17", ("A-17",)),
        ("0017", ("0017",)),
        ('"17"', ("17",)),
        ("true", ("true",)),
        ('["north", 17]', ("north", 17)),
        ("2024-02-29", (date(2024, 2, 29),)),
        ("2024-02-29T10:30:00", (datetime.fromisoformat("2024-02-29T10:30"),)),
    ],
)
def test_the_likeliest_meaning_comes_first(typed: str, key: Key) -> None:
    assert key_candidates(typed)[0] == encode_key(key)


@pytest.mark.parametrize(
    "typed", ["[]", "{}", "[null]", "[[1]]", "{", '{"bytes":"zz"}', "nan", "1e999999999", "[" * 5000]
)
def test_what_cannot_be_a_key_is_only_text(typed: str) -> None:
    assert key_candidates(typed) == (encode_key((typed,)),)


def test_a_number_too_large_to_write_out_is_no_key_in_a_list_either() -> None:
    assert key_candidates("[1, 1e999999999]") == (encode_key(("[1, 1e999999999]",)),)


async def test_a_number_is_found_as_text_where_the_keys_are_text() -> None:
    assert await found("17", known={'"17"'}) == FoundKey('"17"', known=True)


async def test_a_key_the_ledger_does_not_know_yet_is_read_like_its_other_keys() -> None:
    assert await found("17", example='"A-1"') == FoundKey('"17"', known=False)
    assert await found("17", example="3.0") == FoundKey("17.0", known=False)
    assert await found("cafe", example='{"bytes":"00ff"}') == FoundKey('{"bytes":"cafe"}', known=False)


async def test_without_any_other_key_the_likeliest_meaning_counts() -> None:
    assert await found("17") == FoundKey("17", known=False)


async def test_a_composite_key_with_a_plain_date_is_found() -> None:
    key = encode_key(("north", date(2024, 1, 1)))
    assert await found('["north", "2024-01-01"]', known={key}) == FoundKey(key, known=True)


@pytest.mark.parametrize(
    ("key", "json"),
    [
        ((1042,), b"1042"),
        ((2**70,), b"1180591620717411303424"),
        ((Decimal("17.50"),), b"17.50"),
        (("A-17",), b'"A-17"'),
        (("north", 17), b'["north",17]'),
        ((date(2024, 1, 1),), b'"2024-01-01"'),
        ((b"\xca\xfe",), b'"cafe"'),
    ],
)
def test_a_key_in_json_is_a_scalar_or_a_list(key: Key, json: bytes) -> None:
    assert orjson.dumps(json_key(encode_key(key))) == json


def test_a_text_that_reads_like_a_number_is_shown_with_its_quotes() -> None:
    assert plain_key('"17"') == '"17"'
    assert typed_key('"17"') == "'\"17\"'"
    assert plain_key('"A-17"') == "A-17"
