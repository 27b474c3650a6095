"""What a database URL may say, and whether two of them reach the same database."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from penstock.errors import JobError

KINDS = ("mysql", "mariadb", "sqlite")
_TLS_FILES = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_capath")
_TLS_OTHERS = ("ssl_cipher", "ssl_check_hostname")


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
    kind = parsed.drivername.partition("+")[0]
    if kind in ("postgresql", "postgres"):
        raise JobError("postgresql is not served yet; use mysql, mariadb or sqlite")
    if parsed.drivername not in KINDS:
        raise JobError(f"{parsed.drivername!r} is no database penstock knows; use mysql, mariadb or sqlite")
    if not parsed.database:
        raise JobError(f"the {kind} URL names no database; write {kind}://.../database")
    known = () if kind == "sqlite" else (*_TLS_FILES, *_TLS_OTHERS)
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
        if name in _TLS_FILES:
            path = (Path(folder) / str(value)).resolve()
            if not path.exists():
                raise JobError(f"the {url.drivername} URL names {name}={value}, and there is no file {path}")
            options[name] = str(path)
    return options


def same_database(one: SecretStr, other: SecretStr, folder: str) -> bool:
    """Whether both URLs reach the same database with the same server, so that one transaction can span both."""
    return _place(parse_url(one), folder) == _place(parse_url(other), folder)


def _place(url: URL, folder: str) -> tuple[object, ...]:
    if url.get_backend_name() == "sqlite":
        return ("sqlite", sqlite_path(url, folder))
    host = "127.0.0.1" if url.host in (None, "", "localhost") else url.host
    return ("mysql", host, url.port or 3306, url.database)
