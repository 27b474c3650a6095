"""What an API says is wrong, in the words people read: one line to group rows by, one excerpt to look at a single row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import orjson

from penstock.target.secrets import without_secrets

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


def complaint(body: bytes, status: int, secrets: Sequence[str] = ()) -> str:
    """The code and message of a JSON error: "code 40012: order # exists". Empty if there are none. Whatever looks like one
    row's own value (numbers, ids, quoted text) is left out, and so is each secret."""
    if len(body) > LARGEST_BODY:
        return ""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    levels = list(_levels(document))
    code = next(filter(None, (_code(level, status, secrets) for level in levels)), "")
    message = next(filter(None, (_message(level, secrets) for level in levels)), "")
    if message == code:
        message = ""
    return ": ".join(filter(None, (code and f"code {code}", message)))


def excerpt(body: bytes, secrets: Sequence[str] = ()) -> str:
    """The first 500 characters as one line without control characters and secrets."""
    text = without_secrets(body[:LARGEST_BODY].decode("utf-8", "replace"), secrets)
    return _one_line(text[: 4 * LONGEST_EXCERPT], LONGEST_EXCERPT)


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


def _code(level: dict[str, object], status: int, secrets: Sequence[str]) -> str:
    for name in _CODES:
        value = level.get(name)
        if isinstance(value, bool) or not isinstance(value, int | str):
            continue
        text = without_secrets(str(value), secrets)
        # Many digits make it one incident's number.
        if _CODE.fullmatch(text) and text not in ("0", str(status)) and sum(map(str.isdigit, text)) < 10:
            return text
    return ""


def _message(level: dict[str, object], secrets: Sequence[str]) -> str:
    for name in _MESSAGES:
        value = level.get(name)
        if isinstance(value, str) and value.strip():
            # Before anything is cut: half a secret is not found.
            text = without_secrets(value, secrets)[: 10 * LONGEST_COMPLAINT]
            for varying, instead in _VARYING:
                text = varying.sub(instead, text)
            return _one_line(text, LONGEST_COMPLAINT)
    return ""


def _one_line(text: str, longest: int) -> str:
    printable = "".join([character if character.isprintable() else " " for character in text])
    line = " ".join(printable.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
