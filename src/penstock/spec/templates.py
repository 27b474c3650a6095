"""Texts with expressions in a job file: what can be checked before the columns are known."""

from __future__ import annotations

import re

from pydantic import SecretStr

from penstock.spec.expressions import MAX_LENGTH, check_expression, check_template, has_expression
from penstock.spec.wrong import KEY, Location, Wrong, all_wrong

ANSWER_NAMES = frozenset({"status", "headers", "body", "row"})
FLAG_NAMES = frozenset({"receipt", "now"})

EXPRESSION_MARKS = ("{{", "{%", "{#")
EXPRESSIONS = re.compile(r"\{\{.*?\}\}|\{#.*?#\}|\{%.*?%\}", re.DOTALL)
_REF = re.compile(r"\bref\s*\(")
_NOT_ONE_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def check_row_template(text: str) -> str:
    """Over a row's columns, which only the database knows: names are checked by the mapping. Raises Wrong."""
    _refuse_ref(text)
    return _must_be_read(text, check_template(text))


def check_flag_template(text: str) -> str:
    """Over what is known once a row was accepted. Raises Wrong."""
    _refuse_ref(text)
    return _must_be_read(text, check_template(text, FLAG_NAMES))


def check_answer_expression(text: str) -> str:
    """Exactly one expression over an answer. Raises Wrong."""
    _refuse_ref(text)
    return _must_be_read(text, check_expression(text, ANSWER_NAMES))


def check_secret_template(text: str) -> None:
    """Check the expressions of a text whose other parts may be secret, without ever quoting those. Raises Wrong."""
    if len(text) > MAX_LENGTH:
        raise Wrong(f"is longer than {MAX_LENGTH:,} characters", "no server takes so long a URL or header")
    _refuse_ref(text)
    # Where an expression does not end, the parser would quote what follows it.
    outside = EXPRESSIONS.sub("", text)
    if any(mark in outside for mark in EXPRESSION_MARKS):
        raise Wrong("has an expression that does not end", "close it with }}")
    if problem := check_template(text):
        raise Wrong(f"cannot be read: {problem}", quotes=True)


def check_header_value(value: SecretStr) -> SecretStr:
    """One line of ASCII text around its expressions. Raises Wrong."""
    text = value.get_secret_value()
    check_secret_template(text)
    literal = EXPRESSIONS.sub("", text)
    if _NOT_ONE_LINE.search(literal):
        raise Wrong(
            "holds a line break or control character", "a header is one line; look at the end of its variables, too"
        )
    if not literal.isascii():
        raise Wrong("has letters beyond ASCII", "headers are ASCII; percent-encode them as the API expects")
    return value


def check_body(body: object) -> object:
    """A JSON document whose texts may hold expressions. Raises every Wrong in it at once (as ValidationError)."""
    found: list[tuple[Location, Wrong]] = []
    _walk(body, (), found)
    if found:
        raise all_wrong(found)
    return body


def _walk(part: object, at: Location, found: list[tuple[Location, Wrong]]) -> None:
    if isinstance(part, dict):
        for key, value in part.items():
            if not isinstance(key, str) or has_expression(key):
                wrong = Wrong("is no name of a field", "names are plain text; expressions stand in values")
                found.append(((*at, str(key), KEY), wrong))
            _walk(value, (*at, str(key)), found)
    elif isinstance(part, list | tuple):
        for index, value in enumerate(part):
            _walk(value, (*at, index), found)
    elif isinstance(part, str):
        try:
            check_row_template(part)
        except Wrong as wrong:
            found.append((at, wrong))


def _refuse_ref(text: str) -> None:
    # The parser refuses longer texts with expressions; to look for ends that are not there would take hours.
    if len(text) <= MAX_LENGTH and any(_REF.search(expression) for expression in EXPRESSIONS.findall(text)):
        raise Wrong("uses ref(), which is not there yet", "leave it out: it is reserved for a later version")


def _must_be_read(text: str, problem: str | None) -> str:
    if problem:
        raise Wrong(f"cannot be read: {problem}", value=text, quotes=True)
    return text
