"""`source:` the old database, the query, its key and the flag that follows the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from penstock.spec.kinds import Columns, Filled, FlagTemplate, SqlUrl, TimezoneName, ZeroDates
from penstock.spec.part import Part
from penstock.spec.table_names import name_parts
from penstock.spec.wrong import Wrong


class Flag(Part):
    """The column in the source table that follows the ledger."""

    table: Filled = Field(description="The table that has the flag, as the query names it.")
    column: Filled = Field(
        default="is_import",
        description="The flag: 0, then 1 once the row is imported. `penstock prepare` adds it where it is missing.",
    )
    existing: Literal["skip", "refuse", "ignore"] = Field(
        default="skip",
        description="What a flag means that is 1 already while the ledger knows nothing of the row: "
        "`skip`: the row ends as skipped; `refuse`: the run does not start; `ignore`: the row is delivered.",
    )
    set: Mapping[Filled, FlagTemplate] = Field(
        default_factory=dict,
        description="Further columns of that row to write with the flag: name → text with expressions over `receipt` and `now`.",
    )
    key: Columns | None = Field(
        default=None,
        description="The key's columns in the flag's table, in the order of `source.key`, if they are named otherwise there.",
    )


class Source(Part):
    """The old database and what is read from it."""

    url: SqlUrl = Field(
        description="The old database: `mysql://`, `mariadb://`, `postgresql://` or `sqlite:///`. "
        "A relative SQLite path starts at the job file's folder."
    )
    table: Annotated[
        Filled | None, Field(description="Short for the query `SELECT * FROM table`; `schema.table` may be written.")
    ] = None
    # Of a table, too, once it is loaded.
    query: str = Field(
        default="",
        description="Any single SELECT: joins, aggregates, CTEs. Either this or `table`.",
    )
    key: Columns = Field(
        description="The column of the query that identifies a row, unique and not null; or several, as `[warehouse, sku]`."
    )
    flag: Flag | None = Field(
        default=None, description="The column in the source table that follows the ledger; none if left out."
    )
    timezone: TimezoneName | None = Field(
        default=None,
        description="The time zone of date-times that have none in the database, by its IANA name; needed if the query has any.",
    )
    zero_dates: ZeroDates = Field(
        default="fail",
        description="What becomes of a row with `0000-00-00`: it fails (`fail`), or the date is sent as `null`.",
    )

    @field_validator("query")
    @classmethod
    def _query_or_table(cls, query: str, info: ValidationInfo) -> str:
        if "table" not in info.data or "url" not in info.data:
            return query  # that one is wrong, and told already
        table = info.data["table"]
        if table is not None and query:
            raise Wrong("stands beside source.table", "keep one of the two")
        if table is not None:
            return _select_all(table, info.data["url"].get_secret_value())
        if not query.strip():
            raise Wrong("is missing or empty", "write the SELECT to read, or table: for a whole table")
        return query

    @field_validator("flag")
    @classmethod
    def _flag_names_the_whole_key(cls, flag: Flag | None, info: ValidationInfo) -> Flag | None:
        key = info.data.get("key")
        if flag is not None and flag.key is not None and key is not None and len(flag.key) != len(key):
            raise Wrong(
                f"has {len(flag.key)} columns as its key where source.key has {len(key)}", "name them in the same order"
            )
        return flag


def _select_all(table: str, url: str) -> str:
    mark = "`" if url.startswith(("mysql:", "mariadb:")) else '"'
    # On PostgreSQL a name has capitals only if it is written in quotes.
    folds = url.startswith("postgres")
    names = [part.name.lower() if folds and not part.is_quoted else part.name for part in name_parts(table)]
    quoted = [mark + name.replace(mark, mark * 2) + mark for name in names]
    return f"SELECT * FROM {'.'.join(quoted)}"  # noqa: S608 (quoted)
