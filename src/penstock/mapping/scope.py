"""Which names an expression may use, and where each one's value comes from when it is evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.errors import JobError, RowError
from penstock.rows import Unreadable

# What the whole row is called, beside its columns.
ROW = "row"


@dataclass(frozen=True, slots=True)
class Scope:
    """arguments: of the function that an expression becomes.
    names: a name → the argument, or the attribute of one ("answer.status"), that holds its value.
    columns: a column → its position in the argument `row`.
    columns_are_names: whether a column's name stands for its value by itself, or only behind `row.`.
    """

    arguments: tuple[str, ...]
    names: Mapping[str, str]
    columns: Mapping[str, int] = field(default_factory=dict)
    columns_are_names: bool = False

    @property
    def known(self) -> frozenset[str]:
        """Every name that may stand by itself. penstock's own names win over columns of the same name."""
        own = {*self.names, *([ROW] if ROW in self.arguments else [])}
        return frozenset(own | set(self.columns if self.columns_are_names else ()))


def mapping_scope(columns: Sequence[str]) -> Scope:
    """In the mapping: the columns, `row`, `idempotency_key`."""
    return Scope(
        arguments=(ROW, "idempotency_key"),
        names={"idempotency_key": "idempotency_key"},
        columns=positions(columns),
        columns_are_names=True,
    )


def expectation_scope(columns: Sequence[str]) -> Scope:
    """In `verify`: the columns, `row`, and `receipt`: the new id that the ledger holds."""
    return Scope(
        arguments=(ROW, "receipt"),
        names={"receipt": "receipt"},
        columns=positions(columns),
        columns_are_names=True,
    )


def answer_scope(columns: Sequence[str]) -> Scope:
    """In answer expressions: status, headers, body, and the columns behind `row.`."""
    return Scope(
        arguments=("answer", ROW),
        names={name: f"answer.{name}" for name in ("status", "headers", "body")},
        columns=positions(columns),
    )


def question_scope(name: str) -> Scope:
    """In the address of a GET of `verify`: the row's `key`, or a list's `cursor`."""
    return Scope(arguments=(name,), names={name: name})


def record_scope() -> Scope:
    """In what an answer to such a GET means: status, headers, body, and the `key` that was asked for."""
    return Scope(
        arguments=("answer", "key"),
        names={"key": "key", **{name: f"answer.{name}" for name in ("status", "headers", "body")}},
    )


def mark_scope() -> Scope:
    """In `flag.set`: what is known once a row has been accepted."""
    return Scope(arguments=("receipt", "now"), names={"receipt": "receipt", "now": "now"})


def positions(columns: Sequence[str]) -> dict[str, int]:
    """Column → position. Raises JobError if two columns have one name: the second would hide the first."""
    found: dict[str, int] = {}
    for position, column in enumerate(columns):
        if column in found:
            raise JobError(f"source.query gives two columns named {column!r}; give one of them another name with AS")
        found[column] = position
    return found


def whole_row(columns: Mapping[str, int], values: Sequence[object]) -> dict[str, object]:
    """Column → value. Raises RowError if one of the values could not be read."""
    for column, position in columns.items():
        value = values[position]
        if type(value) is Unreadable:
            raise unreadable(value, column)
    return dict(zip(columns, values, strict=True))


def unreadable(value: Unreadable, column: str) -> RowError:
    return RowError(value.reason, column=column)
