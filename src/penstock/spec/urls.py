"""URLs in a job file: what is checked before anything is touched. No message repeats a URL: it may hold a password."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from pydantic import SecretStr

from penstock.database.urls import parse_url
from penstock.errors import JobError
from penstock.spec.templates import EXPRESSION_MARKS, EXPRESSIONS, check_secret_template
from penstock.spec.wrong import Wrong

SQL_KINDS = ("mysql", "mariadb", "postgresql", "sqlite")
DOCUMENT_KINDS = ("mongodb", "mongodb+srv")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def check_sql_url(url: SecretStr) -> SecretStr:
    """Of a source or a ledger. Raises Wrong."""
    _kind_of(url, SQL_KINDS)
    _check_authority(url.get_secret_value())
    try:
        parse_url(url)
    except JobError as error:
        raise Wrong(f"is refused: {error}", quotes=True) from None
    return url


def check_store_url(url: SecretStr) -> SecretStr:
    """Of a store that `verify` looks into: SQL, or MongoDB. Raises Wrong."""
    kind = _kind_of(url, SQL_KINDS + DOCUMENT_KINDS)
    # A MongoDB URL may name several hosts, so its ports are left to the driver.
    if kind in DOCUMENT_KINDS:
        if not url.get_secret_value().partition("://")[2].strip("/"):
            raise Wrong("names no host", "write mongodb://user:${PASSWORD}@host:27017/database")
        return url
    if kind == "postgresql":
        _check_authority(url.get_secret_value())
        return url
    return check_sql_url(url)


def check_http_url(url: SecretStr) -> SecretStr:
    """Of a target or a probe: http or https, a fixed host, expressions in path and query alone. Raises Wrong."""
    text = url.get_secret_value()
    check_secret_template(text)
    plain = EXPRESSIONS.sub("x", text)
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        raise Wrong("is no web address", "write https://host/path or http://host/path")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if any(mark in authority for mark in EXPRESSION_MARKS):
        raise Wrong(
            "has an expression before its path", "one job writes to one host; expressions may stand in path and query"
        )
    if "@" in authority:
        raise Wrong(
            "holds credentials",
            'put them into headers, like Authorization: "Bearer ${API_TOKEN}"; nothing secret is in the URL',
        )
    if "%" in authority:
        raise Wrong(
            "has a variable inside its host or port",
            "a variable inside a URL is percent-encoded; let one variable hold the whole start, like ${API}/v2/orders",
        )
    if "#" in plain:
        raise Wrong("has a fragment (#...), which is never sent", "leave it out, or write %23")
    if re.search(r"[\s\x00-\x1f\x7f]", plain):
        raise Wrong("has a space or control character", "percent-encode it: %20")
    if not plain.isascii():
        raise Wrong("has letters beyond ASCII", "percent-encode them (路 is %E8%B7%AF); a host goes by its xn-- name")
    if not _names_a_host(plain):
        raise Wrong("names no host", "write https://host/path")
    return url


def _kind_of(url: SecretStr, kinds: Sequence[str]) -> str:
    match = _SCHEME.match(url.get_secret_value())
    if match is None or match[1] not in kinds:
        raise Wrong(
            "is no URL of a database that penstock knows", "it starts with " + ", ".join(f"{kind}://" for kind in kinds)
        )
    return match[1]


def _check_authority(text: str) -> None:
    authority, *beyond = re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)
    if authority and "@" not in authority and any("@" in part for part in beyond):
        raise Wrong(
            "has a / ? or # in its user or password", "percent-encode it; what comes from a ${VARIABLE} is so already"
        )
    _names_a_host(text)


def _names_a_host(text: str) -> bool:
    """Whether the URL names a host. Raises Wrong for a port that is none."""
    try:
        parts = urlsplit(text)
        if parts.port == 0:
            raise ValueError("port 0")
    except ValueError:
        raise Wrong("has no valid host or port", "write host or host:port, port 1 to 65535, IPv6 as [::1]") from None
    return bool(parts.hostname)
