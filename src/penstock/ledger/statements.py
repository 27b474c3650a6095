"""How a statement of the ledger is made: with the type of each of its parameters, by the parameter's name.

PostgreSQL takes no value whose type it cannot tell from the statement's text alone; the others do not ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import BigInteger, BindParameter, Double, String, TextClause, bindparam, text
from sqlalchemy.types import TypeEngine

_NUMBERS = (
    "attempts", "batch", "by_broker", "concurrency", "failed", "fence", "first_new_range", "found", "from_range",
    "generations", "idempotent", "imported", "in_doubt", "in_flight", "is_fresh", "job", "left", "limit", "number", "only",
    "paused", "pid", "range", "remaining", "since", "skipped", "spans", "stake_concurrency", "status", "take_over_batch",
    "take_overs", "unflagged", "flags_no", "version", "window",
)  # fmt: skip
_REALS = ("rate", "rows_per_second", "seconds", "stake_rate")
_TEXTS = (
    "after", "before", "file_hash", "hold", "host", "key", "limited_by", "name", "owner", "packed", "reason", "receipt",
    "row_keys", "signing_key", "source", "state", "upto", "worker_version",
)  # fmt: skip
_TYPES: Final[Mapping[str, TypeEngine[Any]]] = {
    **dict.fromkeys(_NUMBERS, BigInteger()),
    **dict.fromkeys(_REALS, Double()),
    **dict.fromkeys(_TEXTS, String()),
}
# Those that stand behind IN.
_LISTS: Final[Mapping[str, TypeEngine[Any]]] = {
    "keys": String(),
    "ranges": BigInteger(),
    "states": String(),
    "windows": BigInteger(),
}


def statement(sql: str) -> TextClause:
    """sql: with its parameters as :name, of names that are known here; made once and executed often."""
    clause = text(sql)
    return clause.bindparams(*[_parameter(name) for name in clause.compile().params])


def _parameter(name: str) -> BindParameter[Any]:
    if name in _LISTS:
        return bindparam(name, type_=_LISTS[name], expanding=True)
    return bindparam(name, type_=_TYPES[name])
