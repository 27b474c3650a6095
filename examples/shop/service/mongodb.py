"""The MongoDB store of the service: customers with their addresses, and the catalogue."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from fastapi import Depends, Request
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

Document: TypeAlias = dict[str, Any]
Documents: TypeAlias = AsyncDatabase[Document]


def open_documents(url: str) -> tuple[AsyncMongoClient[Document], Documents]:
    """url: with the name of the database. Moments come back as what they are, in UTC."""
    client: AsyncMongoClient[Document] = AsyncMongoClient(url, tz_aware=True, maxPoolSize=32)
    return client, client.get_default_database()


async def make_indexes(url: str) -> None:
    client, documents = open_documents(url)
    try:
        await documents.customers.create_index("externalId", unique=True)
        await documents.customers.create_index("requestKey", unique=True)
    finally:
        await client.close()


async def _documents(request: Request) -> Documents:
    # async, as in mysql.py
    documents: Documents = request.app.state.documents
    return documents


Mongodb = Annotated[Documents, Depends(_documents)]
