"""What pydantic found wrong, told as problems of the file: with its lines, its own text, and words for people."""

from __future__ import annotations

import re

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from penstock.spec.masking import shown
from penstock.spec.problems import Problems
from penstock.spec.suggest import did_you_mean
from penstock.spec.tree import Branch, Items, Leaf, Node, nearest
from penstock.spec.wrong import KEY, Location, Wrong

_MAPPING = ("must be a mapping", "write its keys beneath it, indented")
_TEXT = ("must be text", "put it in quotes")

# pydantic's kinds of error → what is wrong, and the way out.
_KINDS: dict[str, tuple[str, str]] = {
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "mapping_type": _MAPPING,
    "dict_type": _MAPPING,
    "string_type": _TEXT,
    "string_sub_type": _TEXT,
    "int_type": ("must be a whole number", "write it without quotes, point or unit"),
    "bool_type": ("must be true or false", "write it without quotes"),
    "frozen_set_type": ("must be a list", "write it as [400, 422]"),
    "tuple_type": ("must be a list", "write it as [first, second]"),
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
    "greater_than": ("gt", "above"),
}


def add_problems(error: ValidationError, root: Node, problems: Problems) -> None:
    """Adds what pydantic found in the values that were made of this tree."""
    for details in error.errors(include_url=False, include_input=False):
        at = tuple(step for step in details["loc"] if step != KEY)
        node, exact = nearest(root, at)
        if details["type"] == "missing" and _is_misspelt(node, at, problems):
            continue
        is_value = exact and KEY not in details["loc"]
        message, way_out = _told(details, at, node if is_value else None)
        problems.add(node.line, at, message, way_out)


def _is_misspelt(part: Node, at: Location, problems: Problems) -> bool:
    """Whether a key that looks much like the missing one has been told already."""
    keys = part.nodes if isinstance(part, Branch) else ()
    return any(problems.covers((*at[:-1], key)) and did_you_mean(key, [str(at[-1])]) for key in keys)


def _told(details: ErrorDetails, at: Location, node: Node | None) -> tuple[str, str]:
    context = details.get("ctx", {})
    wrong = context.get("error")
    if isinstance(wrong, Wrong):
        return _told_by_us(wrong, at, node)
    kind = details["type"]
    if kind == "missing":
        return "is missing", f"add {at[-1]}: to {'the file' if len(at) == 1 else at[-2]}"
    before = _value(at, node)
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        written = node.written if isinstance(node, Leaf) else ""
        return f"{before}is none of {', '.join(known)}", did_you_mean(written, known)
    if kind in _BOUNDS:
        name, word = _BOUNDS[kind]
        return f"{before}is out of bounds", f"it must be {word} {context.get(name)}"
    message, way_out = _KINDS.get(kind, ("cannot be used here", details["msg"]))
    if (message, way_out) == _MAPPING:
        before = ""  # a whole part of the file written as one text may hold anything
    return before + message + _instead_of(node), way_out


def _told_by_us(wrong: Wrong, at: Location, node: Node | None) -> tuple[str, str]:
    if wrong.quotes and isinstance(node, Leaf) and "${" in node.written:
        return f"{_value(at, node)}cannot be read once its variables are filled in", "check the expressions"
    return _value(at, node) + wrong.message, wrong.way_out


def _value(at: Location, node: Node | None) -> str:
    """The text as written in the file: variables are not filled in here, so that no secret is shown."""
    if not isinstance(node, Leaf):
        return ""
    text = shown(at, node.written)
    if text is None:
        return ""
    return f"{text!r} " if isinstance(node.value, str) else f"{text} "


def _instead_of(node: Node | None) -> str:
    match node:
        case Branch():
            return ", not a mapping"
        case Items():
            return ", not a list"
        case Leaf(value=None):
            return ", not null"
        case Leaf(value=str()):
            return ", not text"
        case Leaf(value=bool()):
            return ", not true or false"
        case Leaf():
            return ", not a number"
        case None:
            return ""
