"""Texts that look encoded twice: found, told apart from those that do not, and told with a way out."""

from __future__ import annotations

import pytest

from penstock.insights.check import Grade
from penstock.insights.text_findings import of_texts
from penstock.rows import Row
from penstock.source.double_encoding import decoded_once, find_double_encoded


@pytest.mark.parametrize(
    "meant", ["é", "Grażyna Çelik", "漢字", "naïve ❤️ 😀", "€ 5", "\u200b", "straße", "Ελλάδα", "à", "Í", "Ý", "Ð", "Á"]
)
def test_what_was_encoded_twice_is_read_as_it_was_meant(meant: str) -> None:
    stored = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in meant.encode())
    assert decoded_once(stored) == meant


@pytest.mark.parametrize("text", ["", "plain", "é", "Müller", "漢字", "Ã", "Â«", "naïve ❤️", "ÃƒÂ", "€"])
def test_what_was_not_is_left_alone(text: str) -> None:
    looks = decoded_once(text)
    assert looks is None or looks == "«"  # nobody can tell that one


def test_columns_are_counted_over_the_rows_and_texts_in_ascii_do_not_count() -> None:
    rows = [Row("1", (1, "MÃ¼ller", "Ä")), Row("2", (2, "Meier", "Ã¤")), Row("3", (3, "GrÃ¶ÃŸe", None))]
    both = find_double_encoded(["id", "name", "mixed"], rows)
    assert [(column.column, column.texts, column.looking_so) for column in both] == [("name", 2, 2), ("mixed", 2, 1)]
    assert (both[0].key, both[0].stored, both[0].meant) == ("1", "MÃ¼ller", "Müller")
    name, mixed = of_texts(both, rows=3, kind="mariadb")
    assert name.grade is mixed.grade is Grade.WARNING
    assert "name looks encoded twice in 2 of 2 texts beyond ASCII (among the first 3 rows)" in name.text
    assert "row 1 holds 'MÃ¼ller', perhaps meant as 'Müller'" in name.text
    assert "CONVERT(CAST(CONVERT(name USING latin1) AS BINARY) USING utf8mb4) AS name" in name.way_out
    assert "1 of 2" in mixed.text
    assert "transform" in mixed.way_out
    assert "transform" in of_texts(both, rows=3, kind="sqlite")[0].way_out


def test_a_long_text_is_shown_in_part() -> None:
    [finding] = of_texts(find_double_encoded(["v"], [Row("1", ("Ã©" * 500,))]), rows=1, kind="mysql")
    assert len(finding.text) < 250
