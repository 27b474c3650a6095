"""A row's request as people may see it: whole, ready to type as `curl`, and without a secret in it.

What came from the environment is written as its variable ($API_TOKEN), so that the command works in the shell that holds it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

# Shorter values are no secrets ("1", "eu"): hiding them would only make the rest unreadable.
SHORTEST_SECRET = 4

_HARMLESS = frozenset(
    {
        "accept",
        "accept-encoding",
        "cache-control",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "user-agent",
    }
)
_CURL_SETS = frozenset({"accept-encoding", "content-length", "host"})


@dataclass(frozen=True, slots=True)
class Hidden:
    """Stands where a secret was. variable: the environment variable that holds it, "" if it was written in the job file."""

    variable: str = ""

    def __str__(self) -> str:
        return f"${self.variable}" if self.variable else "****"


SafeText: TypeAlias = tuple[str | Hidden, ...]


@dataclass(frozen=True, slots=True)
class RenderedRequest:
    """One row's request, its secrets hidden."""

    method: str
    url: SafeText
    headers: tuple[tuple[str, SafeText], ...]
    body: SafeText


def safe_request(
    wire: bytes, *, origin: str, secrets: Mapping[str, str], per_row: Set[str] = frozenset()
) -> RenderedRequest:
    """Hide what is secret in a request.

    wire: the whole HTTP/1.1 request, as it would be sent. origin: "https://api.example.com", where it would go.
    secrets: environment variables used in the job file, name → value. per_row: lower-case names of headers whose value is made
    from the row; of the others, whatever the job file spells out is taken for a secret.
    """
    finder = _Finder(secrets)
    head, _, body = wire.partition(b"\r\n\r\n")
    opening, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = opening.split(" ")
    headers = [line.split(": ", 1) for line in lines]
    return RenderedRequest(
        method=method,
        url=finder.hide(origin + target),
        headers=tuple((name, _safe_header(name, value, finder, per_row)) for name, value in headers),
        body=finder.hide(body.decode("utf-8", "replace")),
    )


def show(text: SafeText) -> str:
    return "".join(map(str, text))


def curl(request: RenderedRequest) -> str:
    """The request as a shell command of several lines. Running it sends the row."""
    words = [f"curl --include --request {shlex.quote(request.method)} {_shell(request.url)}"]
    words += [
        "--header " + _shell((f"{name}: ", *value)) for name, value in request.headers if name.lower() not in _CURL_SETS
    ]
    if request.body:
        # --data-raw: a body that begins with @ is no file name.
        words.append("--data-raw " + _shell(request.body))
    return " \\\n  ".join(words)


class _Finder:
    """Finds secrets as they are, percent-encoded and inside JSON text."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._hidden: dict[str, Hidden] = {}
        for name, value in secrets.items():
            if len(value) >= SHORTEST_SECRET:
                self._hidden[value] = Hidden(name)
                for spelling in (
                    quote(value, safe=""),
                    json.dumps(value)[1:-1],
                    json.dumps(value, ensure_ascii=False)[1:-1],
                ):
                    # The shell would put the plain value in its place, so that no variable may be named here.
                    self._hidden.setdefault(spelling, Hidden())
        longest_first = sorted(self._hidden, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def hide(self, text: str) -> SafeText:
        parts: list[str | Hidden] = []
        end = 0
        for found in self._pattern.finditer(text) if self._pattern else ():
            parts += [text[end : found.start()], self._hidden[found[0]]]
            end = found.end()
        parts.append(text[end:])
        return tuple(part for part in parts if part != "")


def _safe_header(name: str, value: str, finder: _Finder, per_row: Set[str]) -> SafeText:
    hidden = finder.hide(value)
    is_open = name.lower() in _HARMLESS or name.lower() in per_row or any(isinstance(part, Hidden) for part in hidden)
    return hidden if is_open else (Hidden(),)


def _shell(text: SafeText) -> str:
    """One word of a shell's command line, in which variables are replaced and nothing else is."""
    if not any(isinstance(part, Hidden) and part.variable for part in text):
        return shlex.quote(show(text))
    if not any(char in part for part in text if isinstance(part, str) for char in '"\\$`!'):
        return f'"{show(text)}"'
    return "".join(
        f'"{part}"' if isinstance(part, Hidden) and part.variable else shlex.quote(str(part)) for part in text
    )
