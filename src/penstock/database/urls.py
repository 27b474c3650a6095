"""What a database URL may say, and whether two of them reach the same database."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from penstock.errors import JobError

KINDS = ("mysql", "mariadb", "postgresql", "sqlite")
_SERVED = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
_PORTS = {"mysql": 3306, "mariadb": 3306, "postgresql": 5432}
_TLS_FILES = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_capath", "sslrootcert", "sslcert", "sslkey")
# As each kind's own programs call them. PostgreSQL's files may be called as the others' are.
_MYSQL_OPTIONS = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_capath", "ssl_cipher", "ssl_check_hostname")
_OPTIONS = {
    "mysql": _MYSQL_OPTIONS,
    "mariadb": _MYSQL_OPTIONS,
    "postgresql": (
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "ssl_ca",
        "ssl_cert",
        "ssl_key",
        "ssl_check_hostname",
    ),
    "sqlite": (),
}


def parse_url(url: SecretStr) -> URL:
    """The URL in parts. Raises JobError without repeating the URL: it may hold a password."""
    if _splits_password(url.get_secret_value()):
        raise JobError(
            "the database URL has more than one @ before its database: percent-encode the @ of the password as %40"
        )
    try:
        parsed = make_url(url.get_secret_value())
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise JobError(
            "the database URL cannot be read; write kind://user:${PASSWORD}@host:port/database, or sqlite:///file.db"
        ) from None
    if parsed.drivername == "postgres":  # as some who rent out PostgreSQL call it
        parsed = parsed.set(drivername="postgresql")
    kind = parsed.drivername
    if kind not in KINDS:
        raise JobError(f"{kind!r} is no database penstock knows; use {_SERVED}")
    if not parsed.database:
        raise JobError(f"the {kind} URL names no database; write {kind}://.../database")
    known = _OPTIONS[kind]
    unknown = sorted(set(parsed.query) - set(known))
    if unknown:
        others = f"only {', '.join(known)} are" if known else "none is"
        raise JobError(f"the {kind} URL has the option {unknown[0]!r}, which is not known there: {others}")
    return parsed


def _splits_password(text: str) -> bool:
    """Whether an @ of the password would end it, so that the rest would be taken for the host and be shown."""
    kind, _, rest = text.partition("://")
    if kind == "sqlite":
        return False
    rest = rest.partition("?")[0]
    return (rest.rpartition("/")[0] or rest).count("@") > 1


def sqlite_path(url: URL, folder: str) -> Path:
    """The file that a sqlite URL names; relative ones start in `folder`."""
    return (Path(folder) / (url.database or "")).resolve()


def tls_options(url: URL, folder: str) -> dict[str, str]:
    """The URL's options with file names made whole. Raises JobError for a file that is not there."""
    options: dict[str, str] = {}
    for name, value in url.query.items():
        options[name] = str(value)
        if name in _TLS_FILES and value != "system":  # PostgreSQL: the authorities that this machine trusts
            path = (Path(folder) / str(value)).resolve()
            if not path.exists():
                raise JobError(f"the {url.drivername} URL names {name}={value}, and there is no file {path}")
            options[name] = str(path)
    return options


def same_database(one: SecretStr, other: SecretStr, folder: str) -> bool:
    """Whether both URLs reach the same database with the same server, so that one transaction can span both."""
    return _place(parse_url(one), folder) == _place(parse_url(other), folder)


def address_of(url: URL) -> str:
    """Where the server is, for people: without user and password."""
    return f"{url.host or '127.0.0.1'}:{url.port or _PORTS[url.get_backend_name()]}/{url.database or ''}"


def _place(url: URL, folder: str) -> tuple[object, ...]:
    kind = url.get_backend_name()
    if kind == "sqlite":
        return ("sqlite", sqlite_path(url, folder))
    host = "127.0.0.1" if url.host in (None, "", "localhost") else url.host
    return ("mysql" if kind == "mariadb" else kind, host, url.port or _PORTS[kind], url.database)
