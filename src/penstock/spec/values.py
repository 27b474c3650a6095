"""Checks of single values: names, columns, zones, files. Each returns the value, or raises Wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from pydantic import ValidationInfo

from penstock.spec.suggest import did_you_mean
from penstock.spec.wrong import Wrong

# A row of the source as the mapping function sees it, and what it makes of it (None: skip the row).
Transform: TypeAlias = Callable[[Mapping[str, Any]], Any]

MOST_AT_ONCE = 10_000

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_FUNCTION = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)

# Headers that say how the bytes travel, which the sender alone knows.
_OF_THE_SENDER = {
    "host": "it follows target.url",
    "content-length": "it follows the body",
    "transfer-encoding": "the body is sent whole",
    "connection": "connections are kept by penstock",
    "keep-alive": "connections are kept by penstock",
    "upgrade": "penstock speaks HTTP/1.1",
    "te": "penstock speaks plain HTTP/1.1",
    "trailer": "the body is sent whole",
    "expect": "the body goes out with its headers",
}


_LONGEST_EXCHANGE = 255  # bytes


def check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Wrong("is no name", "use 1 to 64 letters a-z, A-Z, digits, and . _ -", value=name)
    return name


def check_filled(text: str) -> str:
    if not text.strip():
        raise Wrong("is empty", "give it a value or leave the key out", value=text)
    return text


def check_exchange(name: str) -> str:
    """Of a broker; the one without a name would take a routing key for the name of a queue."""
    if not name.strip():
        raise Wrong("is empty", "name an exchange that is there", value=name)
    if len(name.encode("utf-8", "surrogatepass")) > _LONGEST_EXCHANGE:
        raise Wrong("is no name of an exchange", f"a broker takes at most {_LONGEST_EXCHANGE} bytes", value=name)
    return name


def check_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; not a name at all; the name of a folder
        hint = did_you_mean(name, available_timezones())
        raise Wrong("is no time zone", hint or "write its IANA name, like Asia/Shanghai or UTC", value=name) from None
    return name


def check_function(value: object) -> object:
    if not callable(value) and not (isinstance(value, str) and _FUNCTION.fullmatch(value)):
        raise Wrong("names no function", "write module:function, like mymodule:to_payload", value=value)
    return value


def check_header_name(name: str) -> str:
    if not _HEADER.fullmatch(name):
        raise Wrong("is no name of a header", "use letters, digits and -")
    if reason := _OF_THE_SENDER.get(name.lower()):
        raise Wrong("cannot be set", f"leave it out: {reason}")
    return name


def one_or_many(value: object) -> object:
    """A single column's name stands for a list of one."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple):
        raise Wrong("is no column name", "write a name, or several as [warehouse, sku]", value=value)
    return value


def check_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    if not columns:
        raise Wrong("names no column", "write a name, or several as [warehouse, sku]")
    twice = [column for column in columns if columns.count(column) > 1]
    if twice:
        raise Wrong(f"names {twice[0]!r} twice", "name each column once")
    return columns


def check_concurrency(value: object) -> object:
    if value != "auto" and (type(value) is not int or not 1 <= value <= MOST_AT_ONCE):
        raise Wrong("is no concurrency", f"write auto, or a number from 1 to {MOST_AT_ONCE}", value=value)
    return value


def null_is_a_word(value: object) -> object:
    # `zero_dates: null` is a word to people and nothing to YAML.
    return "null" if value is None else value


def check_file(name: str, info: ValidationInfo) -> str:
    """The file's path from the root. A relative one starts at the job file's folder, which the loader gives as context."""
    folder = str(info.context["folder"]) if info.context else "."
    path = (Path(folder) / name).absolute()
    try:
        if not path.is_file():
            raise Wrong("is no file", f"relative paths start at the job file's folder, {folder!r}", value=name)
        with path.open("rb"):
            return str(path)
    except OSError as error:
        raise Wrong(f"cannot be read: {error.strerror}", "look at its name and rights", value=name) from None
