"""A MongoDB collection as `verify` looks into it (the port is penstock.verify.base.Store)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure

from penstock.documents.bson_values import READING, Document, Values, find, path_of, scalars
from penstock.documents.key_forms import forms_of
from penstock.documents.mongodb_faults import NOT_AUTHORISED, STORE_ERRORS, passes, translated
from penstock.documents.mongodb_url import address_of, legacy_order_of, open_client
from penstock.documents.questions import also, beyond, by_keys, keyless, projection_of, read_filter
from penstock.errors import JobError
from penstock.rows import Record
from penstock.spec.verify_part import Verify

# Of one look-up of at most 1,000 keys: beyond it the field is no key, and the answer might be the whole collection.
MOST_RECORDS = 20_000
PAGE = 1_000

# A filter's own index may be better than that of `_id`: what is then sorted need not fit into the server's memory.
_IN_ORDER: dict[str, Any] = {"sort": {"_id": 1}, "batch_size": PAGE, "allow_disk_use": True}


def open_collection(verify: Verify, fields: Sequence[str], *, folder: str = ".") -> MongoCollection:
    """The store that `verify:` names; nothing is connected yet.

    fields: dotted paths, `buyer.email`, `items.0.sku`. folder: where the names of TLS files in the URL start. Raises JobError for
    a URL, filter or projection that cannot be used.
    """
    filter_ = read_filter(verify.filter or {})
    projection = projection_of([*verify.key, *fields], verify.projection)
    client = open_client(verify.url, folder)
    collection = client.get_default_database().get_collection(verify.collection or "", codec_options=READING)
    return MongoCollection(
        client=client,
        collection=collection,
        name=f"{verify.collection} of {address_of(verify.url)}",
        key=verify.key,
        fields=fields,
        filter_=filter_,
        projection=projection,
        values=Values(legacy_order_of(verify.url)),
    )


def is_served_by(index: Mapping[str, Any], key: Sequence[str]) -> bool:
    """index: as the driver describes it."""
    return index["key"][0][0] in key and "partialFilterExpression" not in index


class MongoCollection:
    """A document is named by scalars alone. One whose key is a list or a document, or lies within the documents of a list, has no
    key: it counts as `without_key`, and is neither found nor walked over."""

    walks = True
    is_live = True

    def __init__(
        self,
        *,
        client: AsyncMongoClient[Document],
        collection: AsyncCollection[Document],
        name: str,
        key: Sequence[str],
        fields: Sequence[str],
        filter_: Document,
        projection: Document,
        values: Values,
    ) -> None:
        self.name = name
        self.key = tuple(key)
        self.fields = tuple(fields)
        self._client = client
        self._collection = collection
        self._key_paths = [path_of(each) for each in key]
        self._field_paths = [path_of(each) for each in fields]
        self._filter = filter_
        self._projection = projection
        self._values = values
        self._is_known = False
        self._decimals = True
        self._ignores_indexes = False

    async def aclose(self) -> None:
        await self._client.close()

    async def look_up(self, keys: Sequence[tuple[object, ...]]) -> Sequence[Record]:
        """A key is asked for in every form that penstock.documents.key_forms knows, so that two documents may answer to one where
        the collection holds both forms. Without an index that begins with the key, each look-up reads the whole collection."""
        with translated(self.name):
            await self._know()
            forms = [
                [forms_of(value, legacy=self._values.legacy, decimals=self._decimals) for value in key] for key in keys
            ]
            records: list[Record] = []
            for condition in by_keys(self.key, keys, forms) if keys else ():
                records += await self._records(condition, MOST_RECORDS - len(records))
            return records

    async def look_again(self) -> None:
        """Each look is a new one."""

    async def walk(self) -> AsyncGenerator[Sequence[tuple[object, ...]]]:
        """See Store.walk."""
        async with aclosing(self._documents({**projection_of(self.key), "_id": 1})) as pages:
            async for documents in pages:
                keys = [key for document in documents if scalars(key := self._key_of(document))]
                if keys:
                    yield keys

    async def records(self) -> AsyncGenerator[Sequence[Record]]:
        """All of them, page by page, each once; one without a key has none of its values."""
        nobody = tuple([None] * len(self.key))
        async with aclosing(
            self._documents(None if self._projection is None else {**self._projection, "_id": 1})
        ) as pages:
            async for documents in pages:
                records = [self._record_of(document) for document in documents]
                yield [record if scalars(record.key) else Record(nobody, record.values) for record in records]

    async def _documents(self, projection: Document | None) -> AsyncGenerator[list[Document]]:
        """In the order of `_id`, which every collection has an index of, which is unique and never changes: a cursor that is lost
        (the server ended it, was restarted, or another became primary) is followed by one that begins behind the last page. The
        key itself may be of several types, doubled, or without an index."""
        # One cursor for as long as it lives, rather than a question a page: a server that sorts anew for each would read
        # everything each time. Where it is lost before it brought a page, asking again at once would hardly help.
        with translated(self.name):
            await self._know()
        stretches: list[Document] = [{}]
        last: object = None
        has_brought = False
        while stretches:
            question = also(self._filter, stretches[0])
            try:
                async with self._collection.find(question, projection, **_IN_ORDER) as cursor:
                    while documents := await cursor.to_list(PAGE):
                        last, has_brought = documents[-1]["_id"], True
                        yield documents
            except STORE_ERRORS as error:
                with translated(self.name):
                    if not (passes(error) and has_brought):
                        raise
                stretches, has_brought = beyond(last), False
            else:
                del stretches[0]

    async def without_key(self) -> int:
        with translated(self.name):
            await self._know()
            return await self._collection.count_documents(also(self._filter, keyless(self.key)))

    async def serves_keys(self) -> bool:
        """Whether an index serves look-ups by the key: one of all documents begins with a field of it. FerretDB 1 has
        indexes, and goes through the collection all the same."""
        with translated(self.name):
            await self._know()
            if self._ignores_indexes:
                return False
            if "_id" in self.key:  # a clustered collection does not list the index that it is
                return True
            indexes = await self._collection.index_information()
        return any(is_served_by(index, self.key) for index in indexes.values())

    async def scanned(self) -> str | None:
        """What each look-up reads from end to end; None: an index serves it."""
        return None if await self.serves_keys() else f"the collection {self._collection.name}"

    async def _records(self, condition: Document, most: int) -> list[Record]:
        cursor = self._collection.find(
            also(self._filter, condition), self._projection, limit=most + 1, batch_size=most + 1
        )
        async with cursor:
            documents = await cursor.to_list()
        if len(documents) > most:
            raise JobError(
                f"{self.name} has more than {MOST_RECORDS:,} documents under 1,000 keys: {', '.join(self.key)} names none of "
                "them; let verify.key name the fields that do"
            )
        return [record for document in documents if scalars((record := self._record_of(document)).key)]

    def _record_of(self, document: Document) -> Record:
        of = self._values.of
        return Record(self._key_of(document), tuple([of(find(document, path)) for path in self._field_paths]))

    def _key_of(self, document: Document) -> tuple[object, ...]:
        return tuple([self._values.of(find(document, path)) for path in self._key_paths])

    async def _know(self) -> None:
        """Before the first question: a collection that is not there answers all of them, with nothing."""
        if self._is_known:
            return
        database, name = self._collection.database, self._collection.name
        try:
            found = await database.list_collection_names(filter={"name": name}, authorizedCollections=True)
            others = [] if found else await database.list_collection_names(authorizedCollections=True)
        except OperationFailure as error:
            if error.code != NOT_AUTHORISED:
                raise
            found, others = [name], []  # who may not list it may still read it; if not, the question itself says so
        if not found:
            there = (
                f"it has {', '.join(sorted(others)[:10])}" if others else "it has none, or there is no such database"
            )
            raise JobError(
                f"{self.name}: there is no collection {name!r}; {there}: correct verify.collection, or the database in verify.url"
            )
        # FerretDB 1 knows no Decimal128, and breaks off the connection that brings one.
        about = await database.command("buildInfo")
        is_ferretdb_1 = str(about.get("ferretdbVersion", "")).startswith("v1.")
        self._decimals, self._ignores_indexes = not is_ferretdb_1, is_ferretdb_1
        self._is_known = True
