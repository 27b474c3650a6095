"""What MongoDB is asked: filters and projections, made of values alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from bson import ObjectId, json_util
from bson.binary import UuidRepresentation
from bson.errors import BSONError
from bson.json_util import JSONOptions
from bson.timestamp import Timestamp

from penstock.documents.bson_values import Document, path_of
from penstock.errors import JobError
from penstock.rows import match_text

Filter: TypeAlias = Mapping[str, object]

# A UUID of extended JSON becomes a Binary, as which any client can send it.
_EXTENDED = JSONOptions(tz_aware=True, tzinfo=UTC, uuid_representation=UuidRepresentation.UNSPECIFIED)

# Each branch of an $or is planned by itself.
MOST_BRANCHES = 100

# The types of an _id in the order in which MongoDB sorts them. What is compared by $gt stays within one of them.
_BRACKETS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("null", (type(None),)),
    ("number", (int, float)),
    ("string", (str,)),
    ("object", (dict,)),
    ("binData", (bytes, UUID)),
    ("objectId", (ObjectId,)),
    ("bool", (bool,)),
    ("date", (datetime,)),
    ("timestamp", (Timestamp,)),
)


def read_filter(filter_: Filter) -> Document:
    """The job file's filter, with MongoDB's extended JSON ({"$oid": ...}, {"$date": ...}, {"$numberDecimal": ...}) made values.
    Raises JobError."""
    try:
        return {name: _read(value) for name, value in filter_.items()}
    except (BSONError, ValueError, TypeError, ArithmeticError) as error:
        raise JobError(
            f"verify.filter: {error}; dates and ids are written as MongoDB's extended JSON: "
            '{"$date": "2026-01-31T00:00:00Z"}, {"$oid": "64 ... 0f"}'
        ) from None


def _read(value: object) -> object:
    if isinstance(value, Mapping):
        return json_util.object_hook({name: _read(part) for name, part in value.items()}, _EXTENDED)
    if isinstance(value, list | tuple):
        return [_read(part) for part in value]
    if isinstance(value, Decimal):  # of a number with a fraction in YAML; in MongoDB's shell it is one of these
        return float(value)
    if isinstance(value, date) and not isinstance(value, datetime):  # of a job built in Python
        return datetime.combine(value, time(), UTC)
    return value


def also(filter_: Document, condition: Document) -> Document:
    """Both hold, whatever fields either names."""
    if not filter_ or not condition:
        return filter_ or condition
    return {"$and": [filter_, condition]}


def by_keys(
    names: Sequence[str], keys: Sequence[Sequence[object]], forms: Sequence[Sequence[Sequence[object]]]
) -> Iterator[Document]:
    """Conditions that together find the documents under the keys. forms: of each part of each key. A key of several parts is a
    branch of an $or; those that agree in all parts but the last share one, so that no document answers to two of them."""
    *leading, last = names
    if not leading:
        yield {last: {"$in": [form for [one] in forms for form in one]}}
        return
    shared: dict[str, Document] = {}
    finals: dict[str, list[object]] = {}
    for key, (*first, final) in zip(keys, forms, strict=True):
        text = match_text(key[:-1])
        if text not in shared:
            finals[text] = []
            conditions = {name: {"$in": one} for name, one in zip(leading, first, strict=True)}
            shared[text] = {**conditions, last: {"$in": finals[text]}}
        finals[text].extend(final)
    branches = list(shared.values())
    for start in range(0, len(branches), MOST_BRANCHES):
        yield {"$or": branches[start : start + MOST_BRANCHES]}


def keyless(names: Sequence[str]) -> Document:
    """Finds what has no key: a part is null, absent, a list or a document, or lies within the documents of a list."""
    return {"$or": [condition for name in names for condition in _lacks(name)]}


def _lacks(name: str) -> Iterator[Document]:
    yield {name: None}
    yield {name: {"$type": "array"}}
    yield {name: {"$type": "object"}}
    path = path_of(name)
    for length, following in enumerate(path[1:], start=1):
        if not following.isdecimal():
            yield {".".join(path[:length]): {"$type": "array"}}


def beyond(last: object) -> list[Document]:
    """Conditions that one after the other find what sorts behind the _id. `$gt` finds values of its own bracket of types alone;
    the brackets behind are all but those up to here, so that none is forgotten for having no name here."""
    bracket = next((at for at, (_, types) in enumerate(_BRACKETS) if _is_of(last, types)), 0)
    up_to_here: Document = {"$nor": [{"_id": {"$type": name}} for name, _ in _BRACKETS[: bracket + 1]]}
    if last is None:
        return [up_to_here]
    if isinstance(last, float) and math.isnan(last):  # the first of the numbers, and less than none of them
        return [{"_id": {"$type": "number", "$ne": last}}, up_to_here]
    return [{"_id": {"$gt": last}}, up_to_here]


def _is_of(value: object, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def projection_of(names: Sequence[str], asked: Filter | None = None) -> Document:
    """Reads the fields, and what the job file's own projection asks for. Raises JobError if that leaves a field out.

    A projection knows no places in a list, and refuses a field beside a part of itself.
    """
    asked = dict(asked or {})
    roots = {_readable(name) for name in names}
    left_out = [
        (name, root) for name, how in asked.items() for root in roots if how in (0, False) and _is_within(root, name)
    ]
    for name, root in left_out:
        raise JobError(
            f"verify.projection leaves out {name}, and {root} is read; take {name}: 0 out of verify.projection"
        )
    if any(how in (0, False) for name, how in asked.items() if name != "_id"):
        return asked  # everything else is read then, and more cannot be added
    named = {name for name, how in asked.items() if how not in (0, False)}
    added = {root for root in roots if not any(_is_within(root, other) for other in (named | roots) - {root})}
    kept = {name: how for name, how in asked.items() if not any(_is_within(name, root) for root in added - {name})}
    return {"_id": 0, **dict.fromkeys(sorted(added), 1), **kept}


def _readable(name: str) -> str:
    path = path_of(name)
    places = [at for at, part in enumerate(path) if at and part.isdecimal()]
    return ".".join(path[: places[0]] if places else path)


def _is_within(name: str, other: str) -> bool:
    return name == other or name.startswith(other + ".")
