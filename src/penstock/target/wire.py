"""A request as bytes, and the address it goes to. Nothing of a row can change where it goes or end a header early."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from pydantic import SecretStr

from penstock.errors import JobError, RowError

_SCHEMES = {"http": 80, "https": 443}
# The path and query may hold expressions, so that only what stands before them is looked at.
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)")
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?")

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_UNSAFE_IN_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_UNSAFE_IN_TARGET = re.compile(rb"[^\x21-\x7e]")
_NEVER_SENT_BY_HAND = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te"}
)
_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class TargetAddress:
    """Where requests go, fixed for the whole job. host: as resolved (IDNA, no brackets). authority: the Host header."""

    host: str
    port: int
    tls: bool
    authority: str


def parse_target_url(url: SecretStr, path: str = "target.url") -> TargetAddress:
    """The address of a url whose path and query may hold expressions. path: where it stands in the job file. Raises JobError,
    which shows nothing of the url's path and query."""
    found = _URL.match(url.get_secret_value().strip())
    scheme = found["scheme"].lower() if found else ""
    if found is None or scheme not in _SCHEMES:
        raise JobError(f"{path}: is no http:// or https:// address; write it like https://api.example.com/v2/orders")
    authority = found["authority"]
    if "@" in authority:
        raise JobError(f"{path}: holds a user or password; put them into target.headers, as Authorization")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise JobError(f"{path}: {authority!r} is no host or host:port; expressions may follow only in path and query")
    host = _resolvable(parts["host"], path)
    port = int(parts["port"]) if parts["port"] else _SCHEMES[scheme]
    if not 0 < port < 65536:
        raise JobError(f"{path}: port {port} does not exist; ports are 1 to 65535")
    shown = f"[{host}]" if ":" in host else host
    return TargetAddress(host, port, scheme == "https", shown if port == _SCHEMES[scheme] else f"{shown}:{port}")


def _resolvable(host: str, path: str) -> str:
    if host.startswith("["):
        try:
            address = ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            raise JobError(f"{path}: {host} is no IPv6 address") from None
        if address.scope_id is not None:
            raise JobError(f"{path}: {host} is an address of one network card; use one that routes")
        return address.compressed
    try:
        name = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if not _HOST_NAME.fullmatch(name):
        raise JobError(f"{path}: {host!r} is no host name")
    return name


class RequestWriter:
    """Turns rows' payloads into whole requests. What all requests share is put together once.

    headers: those of every request. row_headers: names of those whose values come with each row; `render` gets these.
    adds_key: whether an Idempotency-Key is sent though the job file names none.
    Raises JobError for a method, name or value that cannot be sent.
    """

    def __init__(
        self,
        method: str,
        address: TargetAddress,
        headers: Sequence[tuple[str, str]] = (),
        *,
        row_headers: Iterable[str] = (),
        adds_key: bool = True,
    ) -> None:
        if not _TOKEN.fullmatch(method):
            raise JobError(f"target.method: {method!r} is no HTTP method")
        row_names = [name.lower() for name in row_headers]
        given = {name.lower() for name, _ in headers} | set(row_names)
        for name in [*(name for name, _ in headers), *row_names]:
            _check_name(name)
        for name, value in headers:
            if _UNSAFE_IN_VALUE.search(value):
                raise JobError(
                    f"target.headers.{name}: the value holds a line break or a character that no header can carry"
                )
        added = [(name, value) for name, value in _OURS if name.lower() not in given]
        shared = "".join(f"{name}: {value}\r\n" for name, value in [("Host", address.authority), *added, *headers])
        self._opening = method.encode("ascii") + b" "
        self._shared = b" HTTP/1.1\r\n" + shared.encode("latin-1")
        self._adds_key = adds_key and "idempotency-key" not in given
        self._omits_length = method in _WITHOUT_BODY
        self._target: bytes | None = None  # the last one, checked
        self._head = b""  # of requests to it, as far as all share it

    def render(self, target: bytes, headers: Sequence[tuple[str, str]], idempotency_key: str, body: bytes) -> bytes:
        """One whole request. target: path and query, percent-encoded. headers: this row's own. idempotency_key: ASCII, sent
        unless the job file names that header itself. Raises RowError for what would break out of its place."""
        if target != self._target:
            if not target.startswith(b"/") or _UNSAFE_IN_TARGET.search(target):
                raise RowError("the url's path and query hold a character that is not percent-encoded", column="url")
            self._target, self._head = target, self._opening + target + self._shared
        own = _rendered(headers) if headers else b""
        key = b"Idempotency-Key: %b\r\n" % idempotency_key.encode("ascii") if self._adds_key else b""
        if not body and self._omits_length:
            return b"%b%b%b\r\n" % (self._head, own, key)
        return b"%b%b%bContent-Length: %d\r\n\r\n%b" % (self._head, own, key, len(body), body)


_OURS = (
    ("User-Agent", f"penstock/{version('penstock')}"),
    ("Accept", "application/json"),
    ("Accept-Encoding", "gzip"),
)


def _check_name(name: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise JobError(f"target.headers: {name!r} is no header name")
    if name.lower() in _NEVER_SENT_BY_HAND:
        raise JobError(f"target.headers.{name}: penstock writes this header itself; leave it out")


def _rendered(headers: Sequence[tuple[str, str]]) -> bytes:
    for name, value in headers:
        if _UNSAFE_IN_VALUE.search(value):
            raise RowError(
                f"header {name}: the value holds a line break or a character that no header can carry",
                column=f"headers.{name}",
            )
        if not _TOKEN.fullmatch(name):
            raise RowError(f"{name!r} is no header name", column="headers")
    return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1")
