"""`verify:` where the rows should be in the end, and which of their values are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from penstock.spec.expressions import expression_names
from penstock.spec.kinds import (
    Columns,
    Filled,
    Headers,
    PageExpression,
    RecordExpression,
    RowTemplate,
    StoreUrl,
    TimezoneName,
    Whole,
)
from penstock.spec.part import Part
from penstock.spec.templates import PAGE_NAMES, RECORD_NAMES, check_names
from penstock.spec.urls import DOCUMENT_KINDS, is_web_address
from penstock.spec.values import MOST_AT_ONCE
from penstock.spec.wrong import Location, Wrong, all_wrong

# The keys that say how a store of some kind is asked: each belongs to that kind alone.
_OF_DOCUMENTS = ("collection", "filter", "projection")
_OF_RECORD = ("record", "absent", "concurrency")
_OF_LIST = ("records", "next")
_OF_API = ("headers", *_OF_RECORD, *_OF_LIST, "found")


class Verify(Part):
    """Where the rows should be in the end."""

    url: StoreUrl = Field(
        description="The new store: `mysql://`, `postgresql://`, `sqlite:///` or `mongodb://`; or the API itself: "
        "`https://`, asked about each row (`{{ key }}` in path or query) or for a list of all."
    )
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
    headers: Headers | None = Field(
        default=None,
        description="The API: headers of each GET. Left out: those of `target.headers` that are the same for every row, "
        "without Idempotency-Key.",
    )
    record: RecordExpression | None = Field(
        default=None,
        description="The API, one GET for each row: the document in its answer, or a list of documents.",
    )
    found: RecordExpression | None = Field(
        default=None, description="The API: holds for an answer that shows what there is. Left out: 200-299."
    )
    absent: RecordExpression | None = Field(
        default=None,
        description="The API, one GET for each row: holds when there is no such record. Left out: 404 and 410.",
    )
    concurrency: Annotated[Whole, Field(ge=1, le=MOST_AT_ONCE)] | None = Field(
        default=None, description="The API, one GET for each row: so many at once. Left out: 8."
    )
    records: PageExpression | None = Field(
        default=None, description="The API, by a list: the documents of a page, instead of `record`."
    )
    next: PageExpression | None = Field(
        default=None,
        description="The API, by a list: the next page as a URL or path of the same host, or, where `url` has "
        "`{{ cursor }}`, what stands there for the next page (it is empty for the first). "
        "NULL, an empty text or false, or nothing there: that was the last. Left out: there is one page.",
    )
    key: Columns = Field(
        description="The column or field there that equals the job's key, or what `source_key` yields; "
        "a list of them for composite keys. It should have an index. A field within others is dotted: `data.id`."
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

    @property
    def is_of_api(self) -> bool:
        """Whether the API itself is asked."""
        return is_web_address(self.url)

    @property
    def is_list(self) -> bool:
        """Whether the API is asked for a list of all its records, rather than about each row."""
        return self.records is not None

    @model_validator(mode="after")
    def _asks_as_the_store_can(self) -> Verify:
        found = [*self._misplaced(), *(self._of_web_address() if self.is_of_api else ())]
        if self.source_key is not None and len(self.key) > 1:
            found.append((("source_key",), Wrong("yields one value, and key names several", "name one column in key")))
        if found:
            raise all_wrong(found)
        return self

    def _misplaced(self) -> list[tuple[Location, Wrong]]:
        """What is missing, and what belongs to stores of other kinds."""
        if self.is_of_api:
            needed, foreign = "record" if self.records is None else "records", ["query", *_OF_DOCUMENTS]
        elif self.is_of_documents:
            needed, foreign = "collection", ["query", *_OF_API]
        else:
            needed, foreign = "query", [*_OF_DOCUMENTS, *_OF_API]
        found: list[tuple[Location, Wrong]] = []
        if getattr(self, needed) is None:
            way_out = 'write record: "{{ body }}" for one GET for each row, or records: for a list of all'
            told = way_out if self.is_of_api else f"a store of this kind is asked by {needed}:"
            found.append(((needed,), Wrong("is missing", told)))
        found.extend(
            ((name,), Wrong("does not go with a store of this kind", f"use {needed}: instead"))
            for name in foreign
            if getattr(self, name) is not None
        )
        return found

    def _of_web_address(self) -> list[tuple[Location, Wrong]]:
        others, told = (_OF_RECORD, "records: a list of all") if self.is_list else (_OF_LIST, "one GET for each row")
        found: list[tuple[Location, Wrong]] = [
            ((name,), Wrong(f"does not go with {told}", "keep one of the two ways to ask"))
            for name in others
            if getattr(self, name) is not None
        ]
        if self.record is None and self.records is None:
            return found  # which of the two is meant cannot be told
        return [*found, *self._of_names("cursor" if self.is_list else "key")]

    def _of_names(self, name: str) -> list[tuple[Location, Wrong]]:
        """What is wrong with the names in url and headers. name: what is known there: the row's key, or the list's cursor."""
        here = frozenset({name})
        # A list's next page has the same headers, and no page is asked for by a key.
        beyond_url, in_found = (frozenset(), PAGE_NAMES) if self.is_list else (here, RECORD_NAMES)
        places: dict[Location, tuple[str, frozenset[str]]] = {("url",): (self.url.get_secret_value(), here)}
        for header, value in (self.headers or {}).items():
            places["headers", header] = (value.get_secret_value(), beyond_url)
        places["found",] = (self.found or "", in_found)
        found: list[tuple[Location, Wrong]] = []
        for at, (text, names) in places.items():
            try:
                check_names(text, names)
            except Wrong as wrong:
                found.append((at, wrong))
        if found:
            return found
        is_used = name in expression_names(self.url.get_secret_value())
        if not self.is_list and not is_used:
            way_out = "write {{ key }} where the row's key stands: .../orders/{{ key }}; or records: for a list of all"
            found.append((("url",), Wrong("asks the same for every row", way_out)))
        if self.is_list and is_used and self.next is None:
            found.append((("next",), Wrong("is missing", "it yields {{ cursor }} for the next page")))
        return found
