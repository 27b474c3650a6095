"""`verify:` where the rows should be in the end, and which of their values are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from penstock.spec.kinds import Columns, Filled, RowTemplate, StoreUrl, TimezoneName
from penstock.spec.part import Part
from penstock.spec.urls import DOCUMENT_KINDS
from penstock.spec.wrong import Location, Wrong, all_wrong


class Verify(Part):
    """Where the rows should be in the end."""

    url: StoreUrl = Field(description="The new store: `mysql://`, `postgresql://`, `sqlite:///` or `mongodb://`.")
    query: Filled | None = Field(
        default=None,
        description="SQL stores: the SELECT that shows what has arrived. It should leave out what came from elsewhere: "
        "all that it shows and no row explains is reported as `extra`.",
    )
    collection: Filled | None = Field(default=None, description="MongoDB: the collection.")
    filter: Mapping[str, Any] | None = Field(
        default=None, description="MongoDB: which documents count; `$date` and `$oid` as in Extended JSON."
    )
    projection: Mapping[str, Any] | None = Field(
        default=None, description="MongoDB: further fields to read; those compared are read anyway."
    )
    key: Columns = Field(
        description="The column or field there that equals the job's key, or what `source_key` yields; "
        "a list of them for composite keys. It should have an index."
    )
    source_key: RowTemplate | None = Field(
        default=None,
        description="Expression over the row that yields `key`, where the job's key does not. `receipt` is the new id "
        "that the ledger holds.",
    )
    compare: Mapping[Filled, RowTemplate] = Field(
        default_factory=dict,
        description="Columns or fields to compare: name → expression over the row, compared by value and not by text. "
        "`receipt` is the new id that the ledger holds.",
    )
    receipt: Filled | None = Field(
        default=None, description="The column or field there that holds the new id: `verify --adopt` writes it down."
    )
    timezone: TimezoneName | None = Field(
        default=None, description="Of naive date-times there, where any are compared: `UTC`, `Asia/Shanghai`."
    )

    @property
    def is_of_documents(self) -> bool:
        """Whether the store is MongoDB."""
        return self.url.get_secret_value().startswith(DOCUMENT_KINDS)

    @model_validator(mode="after")
    def _asks_as_the_store_can(self) -> Verify:
        needed, foreign = (
            ("collection", ["query"]) if self.is_of_documents else ("query", ["collection", "filter", "projection"])
        )
        found: list[tuple[Location, Wrong]] = []
        if getattr(self, needed) is None:
            found.append(((needed,), Wrong("is missing", f"a store of this kind is asked by {needed}:")))
        found.extend(
            ((name,), Wrong("does not go with a store of this kind", f"use {needed}: instead"))
            for name in foreign
            if getattr(self, name) is not None
        )
        if self.source_key is not None and len(self.key) > 1:
            found.append((("source_key",), Wrong("yields one value, and key names several", "name one column in key")))
        if found:
            raise all_wrong(found)
        return self
