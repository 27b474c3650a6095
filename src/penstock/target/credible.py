"""What an answer is worth, whoever asked: is it the API's, is it whole, where does it send us? Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import orjson

from penstock.target.base import Answer
from penstock.target.complaint import excerpt


def place(location: str, *, with_path: bool) -> str:
    """Where to, without what may hold a secret or (in a url with expressions) a row's values."""
    try:
        where = urlsplit(location)
        host = f"{where.scheme}://{where.hostname}" if where.scheme and where.hostname else ""
    except ValueError:
        return ""
    shown = excerpt((host + where.path if with_path else host).encode())
    return f" to {shown}" if shown else ""


def doubt_of(answer: Answer, kind: str) -> str:
    """Why a 2xx is not believed by default; empty if it is."""
    if is_html(kind):
        return "with text/html"
    if "json" in kind and answer.status not in (204, 205):
        return "" if is_json(answer.body) else "with JSON that does not parse"
    return "" if answer.delimited else "without saying where the answer ends"


def field(headers: Sequence[tuple[str, str]], name: str) -> str:
    for known, value in headers:
        if known == name:
            return value
    return ""


def is_html(kind: str) -> bool:
    return "html" in kind


def is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True
