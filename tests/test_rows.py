from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.rows import Key, decode_key, encode_key

VALUES = st.one_of(
    st.integers(),
    st.text(),
    st.binary(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
    st.uuids(),
)


@given(key=st.lists(VALUES, min_size=1, max_size=4).map(tuple))
def test_a_key_is_bound_again_as_the_database_returned_it(key: Key) -> None:
    again = decode_key(encode_key(key))
    assert again == key
    assert [type(value) for value in again] == [type(value) for value in key]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ((1042,), "1042"),
        ((0,), "0"),
        ((-7,), "-7"),
        (("A-17",), '"A-17"'),
        (("1042",), '"1042"'),
        (("north", 17), '["north",17]'),
        ((Decimal("3"),), "3.0"),
        ((Decimal("3.10"),), "3.10"),
        ((b"\x00\xff",), '{"bytes":"00ff"}'),
        ((date(2024, 1, 31),), '{"date":"2024-01-31"}'),
        ((datetime(2024, 1, 31, 9, tzinfo=UTC),), '{"datetime":"2024-01-31T09:00:00+00:00"}'),
        ((UUID(int=1),), '{"uuid":"00000000-0000-0000-0000-000000000001"}'),
    ],
)
def test_the_text_of_a_key_is_canonical(key: Key, text: str) -> None:
    assert encode_key(key) == text
    assert decode_key(text) == key


@pytest.mark.parametrize("key", [(None,), (1.5,), (True,), (Decimal("NaN"),), ([1],)])
def test_what_cannot_name_a_row_is_refused(key: tuple[object, ...]) -> None:
    with pytest.raises(TypeError, match="cannot be a key"):
        encode_key(key)


@pytest.mark.parametrize(
    "text", ["", "007", "٣", "1 2", "A-17", "null", "true", "{}", '{"bytes":7}', "[null]", "[[1]]"]
)
def test_a_text_that_is_no_keys_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_key(text)
