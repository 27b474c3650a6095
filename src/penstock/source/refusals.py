"""What is wrong with the columns of a query, each with a way out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from penstock.errors import JobError
from penstock.source.columns import KEY_KINDS, Column, ColumnKind
from penstock.source.dialect import MYSQL, POSTGRESQL, SQLITE, Dialect
from penstock.spec.models import Job

# Why a column of this kind names no row for certain, and what may, if anything. {0}: the column's name.
_NO_KEY = {
    ColumnKind.FLOAT: ("FLOAT, whose values are not what they show", "CAST({0} AS DECIMAL(30,10)) AS {0}"),
    ColumnKind.DOUBLE: ("floating-point, whose values are not what they show", "CAST({0} AS DECIMAL(30,10)) AS {0}"),
    ColumnKind.BITS: ("BIT, which not every comparison takes for a number", "CAST({0} AS UNSIGNED) AS {0}"),
    ColumnKind.JSON: ("JSON, which has no order", "CAST(JSON_VALUE({0}, '$.id') AS CHAR(40)) AS {0}"),
    ColumnKind.SHAPE: ("GEOMETRY, which has no order", ""),
    ColumnKind.BOOLEAN: ("boolean, which tells two rows apart at most", ""),
    ColumnKind.LIST: ("an array", "CAST({0} AS text) AS {0}"),
    ColumnKind.PRINTED: ("of a type that has no order which penstock knows", "CAST({0} AS text) AS {0}"),
}
# Where databases say it otherwise.
_NO_KEY_OF = {
    MYSQL: _NO_KEY,
    POSTGRESQL: _NO_KEY
    | {
        ColumnKind.BITS: ("a bit string", "CAST({0} AS text) AS {0}"),
        ColumnKind.JSON: ("JSON, which has no order", "{0} ->> 'id' AS {0}"),
    },
    SQLITE: _NO_KEY
    | {
        ColumnKind.DOUBLE: ("floating-point, whose values are not what they show", "CAST({0} AS TEXT) AS {0}"),
        ColumnKind.JSON: ("JSON, which has no order", "CAST(JSON_EXTRACT({0}, '$.id') AS TEXT) AS {0}"),
    },
}


def refuse_columns(job: Job, columns: Sequence[Column], dialect: Dialect) -> None:
    """Raises JobError if the key or the types of the columns do not do."""
    names = [column.name for column in columns]
    twin = next((name for name in names if names.count(name) > 1), None)
    if twin is not None:
        raise JobError(f"source.query has two columns named {twin!r}; give one of them another name with AS")
    for name in job.source.key:
        if name not in names:
            raise JobError(f"source.key: the query has no column {name!r}; {_instead(name, names)}")
        column = columns[names.index(name)]
        if column.kind not in KEY_KINDS:
            what, instead = _NO_KEY_OF[dialect][column.kind]
            way_out = (
                f", or write in the query, if that tells the rows apart: {instead.format(name)}" if instead else ""
            )
            raise JobError(
                f"source.key: {name!r} is {what}, so it names no row for certain; choose another key{way_out}"
            )
    naive = [column.name for column in columns if column.kind is ColumnKind.DATETIME]
    if naive and job.source.timezone is None:
        raise JobError(
            f"source.timezone is missing: {', '.join(map(repr, naive))} hold date-times without a zone; "
            "write timezone: Europe/Berlin, or whatever zone they are in"
        )


def _instead(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}"
