"""`flag.set`: what else is written into the source row that was accepted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from penstock.errors import JobError
from penstock.mapping.marks import compile_marks

NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)


def test_further_columns_are_filled_from_the_receipt_and_the_time() -> None:
    marks = compile_marks(
        {"new_id": "{{ receipt | int }}", "sent_at": "{{ now }}", "note": "as {{ receipt }}", "by": "penstock"}
    )
    assert marks("42", NOW) == {"new_id": 42, "sent_at": NOW, "note": "as 42", "by": "penstock"}


def test_a_value_that_fails_is_null_because_the_row_was_accepted_all_the_same() -> None:
    marks = compile_marks(
        {"a": "as {{ receipt }}", "b": "{{ receipt | int }}", "c": "{{ receipt }}", "d": "{{ 'x' if receipt }}"}
    )
    assert marks(None, NOW) == {"a": None, "b": None, "c": None, "d": None}


@pytest.mark.parametrize("name", ["id", "row", "status"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(JobError, match=rf"source\.flag\.set\.x: no name '{name}'"):
        compile_marks({"x": f"{{{{ {name} }}}}"})
