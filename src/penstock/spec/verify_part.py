"""`verify:` where the rows should be in the end. Read and checked here; used by a later version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from penstock.spec.kinds import Filled, RowTemplate, StoreUrl
from penstock.spec.part import Part
from penstock.spec.urls import DOCUMENT_KINDS
from penstock.spec.wrong import Location, Wrong, all_wrong


class Verify(Part):
    """Where the rows should be in the end."""

    url: StoreUrl = Field(description="The new store: `mysql://`, `postgresql://`, `sqlite:///` or `mongodb://`.")
    query: Filled | None = Field(default=None, description="SQL stores: the SELECT that shows what has arrived.")
    collection: Filled | None = Field(default=None, description="MongoDB: the collection.")
    filter: Mapping[str, Any] | None = Field(default=None, description="MongoDB: which documents count.")
    projection: Mapping[str, Any] | None = Field(default=None, description="MongoDB: which fields are read.")
    key: Filled = Field(description="The column or field there that equals the job's key, or what `source_key` yields.")
    source_key: RowTemplate | None = Field(
        default=None, description="Expression over the row that yields `key`, where the job's key does not."
    )
    compare: Mapping[Filled, RowTemplate] = Field(
        default_factory=dict, description="Columns or fields to compare: name → expression over the row."
    )

    @model_validator(mode="after")
    def _asks_as_the_store_can(self) -> Verify:
        documents = self.url.get_secret_value().startswith(DOCUMENT_KINDS)
        needed, foreign = ("collection", ["query"]) if documents else ("query", ["collection", "filter", "projection"])
        found: list[tuple[Location, Wrong]] = []
        if getattr(self, needed) is None:
            found.append(((needed,), Wrong("is missing", f"a store of this kind is asked by {needed}:")))
        found.extend(
            ((name,), Wrong("does not go with a store of this kind", f"use {needed}: instead"))
            for name in foreign
            if getattr(self, name) is not None
        )
        if found:
            raise all_wrong(found)
        return self
