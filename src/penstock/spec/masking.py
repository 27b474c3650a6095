"""Which values of a job file may be secret, and how a value is shown to people nevertheless."""

from __future__ import annotations

import re

from penstock.spec.wrong import Location

# Every URL of the file: variables inside them are percent-encoded, and what they hold besides the host is not shown.
URLS: frozenset[Location] = frozenset(
    {("source", "url"), ("target", "url"), ("target", "probe", "url"), ("ledger", "url"), ("verify", "url")}
)
HEADERS: frozenset[Location] = frozenset({("target", "headers"), ("verify", "headers")})

_MOST = 60


def shown(at: Location, written: str) -> str | None:
    """The value at this place as it may be printed; None for a header's."""
    if at[:2] in HEADERS:
        return None
    return shorten(mask_url(written) if at in URLS else written)


def shorten(text: str) -> str:
    text = re.sub(r"(?<=//)[^\s@]*@", "***@", text)  # a URL at a place where none is due
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def mask_url(url: str) -> str:
    """The URL without what may be secret: user, password, and the values of its query."""
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return "***" if any(mark in url for mark in "@:=;") else url
    # To the last @: a password that should have been percent-encoded may hold one, and a / or ? too.
    rest = "***@" + rest.rpartition("@")[2] if "@" in rest else rest
    rest, question, _ = rest.partition("?")
    if re.match(r"[^/]*:(?!\d+(?:/|$))", rest.removeprefix("***@")) and not rest.removeprefix("***@").startswith("["):
        rest = "***"  # user:password without a host
    return f"{scheme}://{rest}" + ("?***" if question else "")
