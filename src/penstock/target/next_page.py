"""Where a list goes on. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urljoin, urlsplit

from penstock.errors import JobError, RowError
from penstock.target.wire import TargetAddress

_PORTS = {"http": 80, "https": 443}
# What stands in a URL as it is; % begins what is encoded already.
_AS_IT_IS = "%/:=&?~#+!$,;'@()*[]"
_LINK = re.compile(r'<([^<>]*)>\s*;[^<]*?\brel\s*=\s*"?[^",;]*\bnext\b', re.IGNORECASE)
_BEGINS_AS_LINK = re.compile(r"\s*<[^<>]*>\s*;")


def is_end(value: object) -> bool:
    """Whether what `verify.next` yields says that there are no more pages. 0 is a cursor like any other."""
    return value is None or value is False or value == ""


def next_target(
    value: object, current: str, address: TargetAddress, render: Callable[[object], bytes] | None
) -> str | None:
    """The path and query of the next page; None: there is none. value: what `verify.next` yields. current: the path and query of
    this page. render: what a cursor makes of verify.url; None: the value is a URL or path, or a Link header.

    Raises JobError for a value that leads nowhere, or to another host.
    """
    if render is not None:
        if is_end(value):
            return None
        try:
            return render(value).decode("ascii")
        except RowError as error:
            raise JobError(f"verify.next: {error}") from None
    if isinstance(value, str) and _BEGINS_AS_LINK.match(value):
        links = _LINK.search(value)
        value = None if links is None else links[1]
    if is_end(value):
        return None
    if not isinstance(value, str):
        raise JobError(
            f"verify.next yields {str(value)[:40]!r}, which is no URL and no path; a cursor or a page's number goes into "
            "verify.url as {{ cursor }}"
        )
    return _same_host(value, current, address)


def _same_host(value: str, current: str, address: TargetAddress) -> str:
    scheme = "https" if address.tls else "http"
    try:
        where = urlsplit(urljoin(f"{scheme}://{address.authority}{current}", value.strip()))
        host, port = (where.hostname or "").strip("[]"), where.port or _PORTS.get(where.scheme, 0)
    except ValueError:
        raise JobError("verify.next yields what is no URL and no path") from None
    # Behind a proxy APIs often do not know their own scheme and port: theirs are not asked, but ours.
    if host != address.host.lower() or port not in (address.port, _PORTS.get(where.scheme)):
        raise JobError(
            f"verify.next leads to another host, {host or where.scheme}: only that of verify.url is asked, {address.authority}"
        )
    path = where.path or "/"
    return quote(path + (f"?{where.query}" if where.query else ""), safe=_AS_IT_IS)
