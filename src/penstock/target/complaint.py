"""What an API says is wrong, in the words people read: one line to group rows by, one excerpt to look at a single row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import orjson
from pydantic import SecretStr

LONGEST_COMPLAINT = 80
LONGEST_EXCERPT = 500
LARGEST_BODY = 64 * 1024  # larger ones are no error messages

_CODES = ("code", "errcode", "error_code", "errorCode", "error")
_MESSAGES = (
    "message",
    "msg",
    "errmsg",
    "error_message",
    "errorMessage",
    "detail",
    "error_description",
    "title",
    "error",
)

_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
# What differs from row to row; without it rows that failed for the same reason are counted together.
_VARYING = (
    (re.compile(r"\S+@\S+"), "…"),
    (re.compile(r'"[^"]*"|`[^`]*`|“[^”]*”|«[^»]*»|\[[^\]]*\]|(?<!\w)\'[^\']*\'(?!\w)'), "…"),
    (re.compile(r"[\w/+:.-]*\d[\w/+:-]*"), "#"),
)
_SECRET_HEADER = re.compile(r"auth|cookie|token|key|secret|passw|signature|session|credential", re.IGNORECASE)
_SHORTEST_SECRET = 6
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_SCHEMES = frozenset({"bearer", "digest"})


def complaint(body: bytes, status: int) -> str:
    """The code and message of a JSON error: "code 40012: order # exists". Empty if there are none. Whatever looks like one
    row's own value (numbers, ids, quoted text) is left out."""
    if len(body) > LARGEST_BODY:
        return ""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    levels = list(_levels(document))
    code = next(filter(None, (_code(level, status) for level in levels)), "")
    message = next(filter(None, (_message(level) for level in levels)), "")
    if message == code:
        message = ""
    return ": ".join(filter(None, (code and f"code {code}", message)))


def excerpt(body: bytes) -> str:
    """The first 500 characters as one line without control characters."""
    return _one_line(body[: 4 * LONGEST_EXCERPT].decode("utf-8", "replace"), LONGEST_EXCERPT)


def secrets_in(headers: Mapping[str, SecretStr], variables: Mapping[str, SecretStr]) -> tuple[str, ...]:
    """What must never be shown, should an API send it back: the words of the headers that tell who is asking, and what the
    job file's variables stood for."""
    words = {variable.get_secret_value() for variable in variables.values()}
    for name, value in headers.items():
        if _SECRET_HEADER.search(name):
            words.update(_EXPRESSION.sub(" ", value.get_secret_value()).split())
    secret = {word for word in words if len(word) >= _SHORTEST_SECRET and word.lower() not in _SCHEMES}
    return tuple(sorted(secret, key=len, reverse=True))  # the longer first: one may hold another


def without_secrets(body: bytes, secrets: Sequence[str]) -> bytes:
    for secret in secrets:
        body = body.replace(secret.encode(), b"***")
    return body


def _levels(document: object) -> Iterator[dict[str, object]]:
    """The document and what stands one level below, in the places where errors stand."""
    if isinstance(document, list):
        document = document[0] if document else None
    if not isinstance(document, dict):
        return
    yield document
    for name in ("error", "errors"):
        below = document.get(name)
        if isinstance(below, list) and below:
            below = below[0]
        if isinstance(below, dict):
            yield below


def _code(level: dict[str, object], status: int) -> str:
    for name in _CODES:
        value = level.get(name)
        if isinstance(value, bool) or not isinstance(value, int | str):
            continue
        text = str(value)
        # Many digits make it one incident's number.
        if _CODE.fullmatch(text) and text not in ("0", str(status)) and sum(map(str.isdigit, text)) < 10:
            return text
    return ""


def _message(level: dict[str, object]) -> str:
    for name in _MESSAGES:
        value = level.get(name)
        if isinstance(value, str) and value.strip():
            text = value[: 10 * LONGEST_COMPLAINT]
            for varying, instead in _VARYING:
                text = varying.sub(instead, text)
            return _one_line(text, LONGEST_COMPLAINT)
    return ""


def _one_line(text: str, longest: int) -> str:
    printable = "".join([character if character.isprintable() else " " for character in text])
    line = " ".join(printable.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
