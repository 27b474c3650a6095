"""Values of documents as Python's own, and by what a path finds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType
from typing import TypeAlias
from uuid import UUID

from bson import DatetimeMS, Int64, ObjectId
from bson.binary import ALL_UUID_SUBTYPES, UUID_SUBTYPE, Binary, UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.timestamp import Timestamp

from penstock.rows import Unreadable

Document: TypeAlias = dict[str, object]
Path: TypeAlias = tuple[str, ...]

# A document is read whatever is in it: one date of the year 10000, or one text that is no UTF-8, must not stop a verify.
READING: CodecOptions[Document] = CodecOptions(
    tz_aware=True,
    tzinfo=UTC,
    uuid_representation=UuidRepresentation.UNSPECIFIED,
    unicode_decode_error_handler="replace",
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)

LEGACY_ORDERS = {
    "pythonLegacy": UuidRepresentation.PYTHON_LEGACY,
    "javaLegacy": UuidRepresentation.JAVA_LEGACY,
    "csharpLegacy": UuidRepresentation.CSHARP_LEGACY,
}


_NO_SCALARS = frozenset({NoneType, list, dict})


def path_of(name: str) -> Path:
    """`items.0.sku`: the field of a part of a list. A name with a dot in it cannot be written."""
    return tuple(name.split("."))


def find(document: object, path: Path) -> object:
    """What is at the path, as the driver gives it; None where nothing is. A list is entered by number alone."""
    for name in path:
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def scalars(values: Sequence[object]) -> bool:
    """Whether these name a document: none is missing, and none is a list or a document itself."""
    return _NO_SCALARS.isdisjoint(map(type, values))


class Values:
    """BSON's values as Python's. legacy: the order of bytes in UUIDs of the old kind (Binary of subtype 3), which differs between
    the drivers that wrote them and cannot be seen."""

    def __init__(self, legacy: int = UuidRepresentation.PYTHON_LEGACY) -> None:
        self.legacy = legacy
        self._forms: dict[type, Callable[..., object]] = {
            Int64: int,
            Decimal128: Decimal128.to_decimal,
            ObjectId: str,
            Binary: self._binary,
            Timestamp: Timestamp.as_datetime,
            DatetimeMS: _far_date,
            DBRef: lambda reference: self.of(dict(reference.as_doc())),
            dict: lambda document: {name: self.of(value) for name, value in document.items()},
            list: lambda values: [self.of(value) for value in values],
        }

    def of(self, value: object) -> object:
        """int, str, float, bool, bytes, Decimal, UUID, date-times in UTC, lists, mappings, None. An ObjectId is its 24 digits.
        What exists in MongoDB alone is Unreadable."""
        kind = type(value)
        if kind in _AS_IT_IS:
            return value
        form = self._forms.get(kind)
        return Unreadable(f"BSON's {kind.__name__} has no form outside of MongoDB") if form is None else form(value)

    def _binary(self, value: Binary) -> object:
        if value.subtype in ALL_UUID_SUBTYPES and len(value) == 16:
            return value.as_uuid(UuidRepresentation.STANDARD if value.subtype == UUID_SUBTYPE else self.legacy)
        return bytes(value)


_AS_IT_IS = frozenset({int, str, float, bool, NoneType, bytes, datetime, Decimal, UUID})


def _far_date(value: DatetimeMS) -> Unreadable:
    return Unreadable(f"a date {int(value)} ms from 1970 is none between the years 1 and 9999")
