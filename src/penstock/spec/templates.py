"""Texts with expressions in a job file: what can be checked before the columns are known."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import SecretStr

from penstock.spec.expressions import MAX_LENGTH, check_expression, check_template, has_expression
from penstock.spec.wrong import KEY, Location, Wrong, all_wrong

ANSWER_NAMES = frozenset({"status", "headers", "body", "row"})
FLAG_NAMES = frozenset({"receipt", "now"})
# Of `verify` where the new store is the API: what it answers about one row, and a page of its list.
RECORD_NAMES = frozenset({"status", "headers", "body", "key"})
PAGE_NAMES = frozenset({"status", "headers", "body"})

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
    return _check_expression(text, ANSWER_NAMES)


def check_record_expression(text: str) -> str:
    """Exactly one expression over what the API answers about the row of `key`. Raises Wrong."""
    return _check_expression(text, RECORD_NAMES)


def check_page_expression(text: str) -> str:
    """Exactly one expression over a page of the API's list. Raises Wrong."""
    return _check_expression(text, PAGE_NAMES)


def check_names(text: str, names: frozenset[str]) -> None:
    """Of a text whose other parts may be secret: no other names than these in its expressions. Raises Wrong."""
    if problem := check_template(text, names):
        raise Wrong(f"cannot be read: {problem}", quotes=True)


def _check_expression(text: str, names: frozenset[str]) -> str:
    _refuse_ref(text)
    return _must_be_read(text, check_expression(text, names))


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


def check_headers_once(headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    """Raises Wrong for the second of two names that are one to HTTP (as ValidationError, at its place)."""
    seen: set[str] = set()
    for name in headers:
        if name.lower() in seen:
            raise all_wrong(
                [((name,), Wrong("is there twice", "upper and lower case are the same in names of headers"))]
            )
        seen.add(name.lower())
    return headers


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
