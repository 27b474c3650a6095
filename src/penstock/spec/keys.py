"""Which keys a job file knows at each place, read off the models; and those that are reserved for later versions."""

from __future__ import annotations

import typing
from types import UnionType
from typing import Union

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from penstock.spec.models import Job
from penstock.spec.part import OnlyInPython, Part
from penstock.spec.problems import Problems
from penstock.spec.suggest import did_you_mean
from penstock.spec.tree import Branch, Node
from penstock.spec.wrong import Location

RESERVED_ANYWHERE = frozenset({"children", "batch", "auth", "proxy", "on_end", "vars"})
RESERVED_AT: frozenset[Location] = frozenset({("source", "read_url"), ("source", "pause_when"), ("delivery", "window")})


def refuse_unknown_keys(root: Node, problems: Problems) -> None:
    """Adds a problem for each key that no part of a job file has."""
    _look_into(root, (), Job, problems)


def parts_of(model: type[Part]) -> dict[str, type[Part] | None]:
    """The keys of a part in the order of its model; with the model of those that are parts themselves."""
    return {name: _part_in(field.annotation) for name, field in model.model_fields.items() if _is_in_files(field)}


def _look_into(node: Node, at: Location, model: type[Part], problems: Problems) -> None:
    if not isinstance(node, Branch):
        return
    known = parts_of(model)
    for key, child in node.nodes.items():
        place = (*at, key)
        if key not in known:
            problems.add(child.line, place, *_unknown(key, place, known))
        elif (part := known[key]) is not None:
            _look_into(child, place, part, problems)


def _unknown(key: str, at: Location, known: dict[str, type[Part] | None]) -> tuple[str, str]:
    if key in RESERVED_ANYWHERE or at in RESERVED_AT:
        return "is reserved for a later version and not there yet", "leave it out"
    return "is no key that penstock knows", did_you_mean(key, known) or f"known here: {', '.join(known)}"


def _is_in_files(field: FieldInfo) -> bool:
    """Fields that only the loader or a job built in Python fills are kept out of the JSON Schema, too."""
    return not any(isinstance(mark, OnlyInPython) for mark in field.metadata)


def _part_in(annotation: object) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation if issubclass(annotation, Part) else None
    if typing.get_origin(annotation) in (Union, UnionType):
        return next((part for inner in typing.get_args(annotation) if (part := _part_in(inner))), None)
    return None
