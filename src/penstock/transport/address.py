"""Where the broker is: its URL, read and checked, and the part of it that may be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path as File
from urllib.parse import parse_qsl, unquote, urlsplit

from penstock.errors import JobError

_WAY_OUT = "write amqp://user:${PASSWORD}@host:5672/vhost, with what is no letter or digit in the password as %.."
_PORTS = {"amqp": 5672, "amqps": 5671}
_FILES = ("cafile", "certfile", "keyfile")


@dataclass(frozen=True, slots=True)
class Address:
    """url: with the password. shown: without user, password and options. vhost: its virtual host; user: who logs in there."""

    url: str = field(repr=False)
    shown: str
    vhost: str
    user: str

    def __str__(self) -> str:
        return self.shown


def read_address(url: str) -> Address:
    """Raises JobError, which never repeats the URL: it may hold a password."""
    refusal = ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise JobError(f"the broker's URL cannot be read; {_WAY_OUT}") from None
    options = parse_qsl(parts.query, keep_blank_values=True)
    if parts.scheme not in _PORTS:
        refusal = "does not begin with amqp:// or amqps://"
    elif not host:
        refusal = "names no host"
    elif parts.fragment or "@" in parts.query + parts.path or "/" in parts.path[1:]:
        refusal = "has a /, #, ? or @ in the password or the virtual host: write %2F, %23, %3F or %40"
    elif foreign := [name for name, _ in options if name not in _FILES]:
        refusal = f"has the option {foreign[0][:40]!r}; there are {', '.join(_FILES)}"
    elif options and parts.scheme == "amqp":
        refusal = f"has {options[0][0]}, which is of use with amqps:// alone"
    if refusal:
        raise JobError(f"the broker's URL {refusal}; {_WAY_OUT}")
    for name, path in options:
        if not File(path).is_file():
            raise JobError(f"the broker's URL names {name}={path}, and there is no such file")
    shown = f"[{host}]" if ":" in str(host) else host
    return Address(
        url=url,
        shown=f"{parts.scheme}://{shown}:{port or _PORTS[parts.scheme]}",
        vhost=unquote(parts.path[1:]) or "/",
        user=unquote(parts.username or "guest"),
    )
