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

_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")


def check_sql_url(url: SecretStr) -> SecretStr:
    """Of a source or a ledger. Raises Wrong."""
    text = url.get_secret_value()
    if _kind_of(url, SQL_KINDS) == "sqlite":
        if text.startswith("sqlite://") and not text.startswith("sqlite:///"):
            raise Wrong(
                "names no file",
                "write sqlite:///shop.db for one beside the job file, sqlite:////data/shop.db for another",
            )
    else:
        _check_server(text)
    try:
        parse_url(url)
    except JobError as error:
        raise Wrong(f"is refused: {error}", quotes=True) from None
    return url


def check_store_url(url: SecretStr) -> SecretStr:
    """Of a store that `verify` looks into: SQL, MongoDB, or the API itself. Raises Wrong."""
    if is_web_address(url):
        return check_http_url(url)
    kind = _kind_of(url, SQL_KINDS + DOCUMENT_KINDS, ", or with https:// where the API itself is asked")
    if kind in DOCUMENT_KINDS:
        # It may name several hosts: more than that there is one is left to the driver.
        if not url.get_secret_value().partition("://")[2].strip("/"):
            raise Wrong("names no host", "write mongodb://user:${PASSWORD}@host:27017/database")
    elif kind == "postgresql":
        _check_server(url.get_secret_value())
    else:
        check_sql_url(url)
    return url


def check_http_url(url: SecretStr) -> SecretStr:
    """Of a target or a probe: http or https, a fixed host, expressions in path and query alone. Raises Wrong."""
    text = url.get_secret_value()
    check_secret_template(text)
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        raise Wrong("is no web address", "write https://host/path or http://host/path")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if any(mark in authority for mark in EXPRESSION_MARKS):
        way_out = "one job writes to one host; expressions may stand in path and query"
        raise Wrong("has an expression before its path", way_out)
    if "@" in authority:
        raise Wrong("holds credentials", 'put them into headers, like Authorization: "Bearer ${API_TOKEN}"')
    _check_host(authority)
    literal = EXPRESSIONS.sub("", text)
    if "#" in literal:
        raise Wrong("has a fragment (#...), which is never sent", "leave it out, or write %23")
    if re.search(r"[\s\x00-\x1f\x7f]", literal):
        raise Wrong("has a space or control character", "percent-encode it: a space is %20")
    if not literal.isascii():
        raise Wrong("has letters beyond ASCII", "percent-encode them: 路 is %E8%B7%AF")
    return url


def is_web_address(url: SecretStr) -> bool:
    return url.get_secret_value().lower().startswith(("http:", "https:"))


def origin_of(url: SecretStr) -> tuple[str, str, int]:
    """Scheme, host and port of a web address that was checked."""
    parts = urlsplit(url.get_secret_value())
    scheme = parts.scheme.lower()
    return scheme, parts.hostname or "", parts.port or _PORTS[scheme]


def _kind_of(url: SecretStr, kinds: Sequence[str], others: str = "") -> str:
    match = _SCHEME.match(url.get_secret_value())
    if match is None or match[1] not in kinds:
        beginnings = ", ".join(f"{kind}://" for kind in kinds)
        raise Wrong("is no URL of a database that penstock knows", f"it starts with one of {beginnings}{others}")
    return match[1]


def _check_server(text: str) -> None:
    authority, *beyond = re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)
    if "@" not in authority and any("@" in part for part in beyond):
        way_out = "percent-encode it; what comes from a ${VARIABLE} is so already"
        raise Wrong("has a / ? or # in its user or password", way_out)
    if authority.count("@") > 1:
        raise Wrong("has more than one @ before its database", "percent-encode the @ of the password as %40")
    _check_host(authority.rpartition("@")[2])
    if not text.partition("://")[2].partition("?")[0].partition("/")[2]:
        raise Wrong("names no database", "write it behind the host: host:port/database")


def _check_host(host: str) -> None:
    """Of an authority without its user: host or host:port."""
    if "%" in host:
        way_out = "a variable inside a URL is percent-encoded; let one hold the whole start, like ${API}/v2/orders"
        raise Wrong("has a variable or a % in its host or port", way_out)
    match = _HOST.fullmatch(host)
    if match is None or not 1 <= int(match[1] or 1) <= 65535:
        raise Wrong(
            "has no valid host or port", "write host or host:port: ASCII letters, port 1 to 65535, IPv6 as [::1]"
        )
