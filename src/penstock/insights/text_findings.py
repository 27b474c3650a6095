"""What `penstock check` says of texts that look encoded twice. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.insights.check import Finding, Grade
from penstock.insights.words import number
from penstock.source.double_encoding import DoubleEncoded

# How a query reads such a column as what it is, by the kind of database. {0}: the column's name.
_MYSQL = "CONVERT(CAST(CONVERT({0} USING latin1) AS BINARY) USING utf8mb4) AS {0}"
_READ_AS_MEANT = {
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "postgresql": "convert_from(convert_to({0}, 'WIN1252'), 'UTF8') AS {0}",
}
_MOST_SHOWN = 40


def of_texts(found: Sequence[DoubleEncoded], *, rows: int, kind: str) -> list[Finding]:
    """rows: how many were looked at. kind: of the database, as its URL says."""
    return [_of_column(column, rows, kind) for column in found]


def _of_column(column: DoubleEncoded, rows: int, kind: str) -> Finding:
    text = (
        f"{column.column} looks encoded twice in {number(column.looking_so)} of {number(column.texts)} texts beyond ASCII "
        f"(among the first {number(rows)} rows): row {column.key} holds {_short(column.stored)}, perhaps meant as "
        f"{_short(column.meant)}"
    )
    in_query = _READ_AS_MEANT.get(kind, "").format(column.column)
    if column.looking_so == column.texts and in_query:
        return Finding("text", Grade.WARNING, text, f"if all are so, write in the query: {in_query}")
    return Finding("text", Grade.WARNING, text, "a transform in Python can mend those that are so, and no others")


def _short(text: str) -> str:
    return repr(text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…")
