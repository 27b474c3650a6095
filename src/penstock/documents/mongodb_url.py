"""A MongoDB URL made a client. It may name several hosts, which the driver alone can read."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path as File
from urllib.parse import parse_qsl, quote

from pydantic import SecretStr
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from penstock.documents.bson_values import LEGACY_ORDERS, READING, Document
from penstock.errors import JobError

_WAY_OUT = "write mongodb://user:${PASSWORD}@host:27017/database"

# Where the URL does not say otherwise. A server that takes a question and never answers is given up after the time that an
# SQL statement has as well.
_SETTINGS: dict[str, object] = {
    "appname": "penstock",
    "connectTimeoutMS": 5_000,
    "serverSelectionTimeoutMS": 5_000,
    "socketTimeoutMS": 300_000,
    "maxPoolSize": 4,
}
_FILES = ("tlscafile", "tlscertificatekeyfile", "tlscrlfile")


def open_client(url: SecretStr, folder: str) -> AsyncMongoClient[Document]:
    """Nothing is connected yet. folder: where relative names of TLS files start. Raises JobError, which never repeats the URL:
    it may hold a password."""
    if "@" in url.get_secret_value().partition("?")[2]:  # the rest of a password would be taken for options
        raise JobError("the mongodb URL has an @ behind a ?: percent-encode them, in a password as %40 and %3F")
    text = _with_whole_files(url.get_secret_value(), folder)
    given = options_of(text)
    settings = {name: value for name, value in _SETTINGS.items() if name.lower() not in given}
    refusal = ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the driver lets pass options that it does not understand, with a warning
        try:
            client: AsyncMongoClient[Document] = AsyncMongoClient(
                text,
                document_class=dict,
                tz_aware=True,
                **settings,  # type: ignore[arg-type]
            )
            client.get_default_database(codec_options=READING)
        except (PyMongoError, ValueError, TypeError, OSError, Warning) as error:
            refusal = _refusal(error, list(given.values()))
    if refusal:
        raise JobError(refusal)
    return client


def _refusal(error: Exception, values: Sequence[str]) -> str:
    words = " ".join(str(error).split())
    if any(value in words for value in values if value):  # those of an option may be secret
        words = "one has a value that it cannot have"
    if isinstance(error, Warning):
        return f"the mongodb URL has options that are not understood: {words}"
    if isinstance(error, OSError):
        return f"the TLS files that the mongodb URL names cannot be used: {words}"
    if "default database" in words:
        return f"the mongodb URL names no database; {_WAY_OUT}"
    return f"the mongodb URL cannot be read; {_WAY_OUT}, with what is no letter or digit in the password as %.."


def options_of(url: str) -> dict[str, str]:
    """By their names in small letters: MongoDB tells no case apart."""
    return {name.lower(): value for name, value in parse_qsl(url.partition("?")[2], keep_blank_values=True)}


def legacy_order_of(url: SecretStr) -> int:
    """uuidRepresentation: in which order of bytes UUIDs of the old kind were written."""
    name = options_of(url.get_secret_value()).get("uuidrepresentation", "")
    return LEGACY_ORDERS.get(name, LEGACY_ORDERS["pythonLegacy"])


def address_of(url: SecretStr) -> str:
    """Where the store is, for people: without user, password and options."""
    kind, _, rest = url.get_secret_value().partition("?")[0].partition("://")
    return f"{kind}://{rest.rpartition('@')[2]}"


def _with_whole_files(url: str, folder: str) -> str:
    def whole(match: re.Match[str]) -> str:
        name, value = match[1], parse_qsl(f"x={match[2]}")
        if name.lower() not in _FILES or not value:
            return match[0]
        path = (File(folder) / value[0][1]).resolve()
        if not path.exists():
            raise JobError(f"the mongodb URL names {name}={value[0][1]}, and there is no file {path}")
        return f"{name}={quote(str(path))}"

    before, mark, options = url.partition("?")
    return before + mark + re.sub(r"([^&=;]+)=([^&;]*)", whole, options)
