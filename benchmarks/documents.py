"""New stores of documents for `verify`: on the MongoDB server that is there, and on a stand-in for one if that is FerretDB.

FerretDB 1, which the tests bring, has no index that serves a look-up of many keys, and penstock goes about it another way.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

from pymongo import MongoClient
from sqlalchemy import URL, make_url

from benchmarks.figures import CommandFailed
from benchmarks.missing import Missing
from benchmarks.rounds import say
from benchmarks.shop import Shop

Document: TypeAlias = dict[str, Any]

COLLECTION = "moved"
STAND_IN = "documents, answered by a stand-in for MongoDB"
MONGODB = "a MongoDB collection"
FERRETDB = "a FerretDB collection, read once and whole"
_ADDRESS = Path(__file__).parent.parent / ".services" / "mongodb" / "url"
_PAGE = 5_000
_NEXT = "SELECT number, total, email, placed FROM moved WHERE number > {after} ORDER BY number LIMIT {page}"


@dataclass(frozen=True, slots=True)
class Documents:
    """what: keeps them, for people. url: of the database that holds them."""

    what: str
    url: str


def documents_of(shop: Shop) -> Iterator[list[Document]]:
    """What the shop's table `moved` holds, as documents, in order. An amount is a text, as many an API keeps it."""
    after = 0
    while rows := shop.server.rows(_NEXT.format(after=after, page=_PAGE), database=shop.database):
        page: list[Document] = [
            {"number": number, "total": str(total), "buyer": {"email": email}, "placed": placed}
            for number, total, email, placed in rows
        ]
        yield page
        after = page[-1]["number"]


def filled(shop: Shop) -> Generator[Documents]:
    """The documents of a shop on whatever is there, one after the other; each is gone when the next is asked for. Close it."""
    kept_by = None
    try:
        address = find_mongodb()
    except Missing as reason:
        say(f"documents are left to the stand-in: {reason}")
    else:
        with kept_on(address, shop) as documents:
            kept_by = documents.what
            yield documents
    if kept_by != MONGODB:
        with answered_by_a_stand_in(shop) as documents:
            yield documents


def find_mongodb() -> URL:
    """The one of PENSTOCK_TEST_MONGO_URL, else that of scripts/services. Raises Missing if there is neither."""
    given = os.environ.get("PENSTOCK_TEST_MONGO_URL")
    if given is None and not _ADDRESS.exists():
        raise Missing("no MongoDB: scripts/services start mongodb, or set PENSTOCK_TEST_MONGO_URL")
    return make_url(given or _ADDRESS.read_text().strip())


@contextmanager
def kept_on(server: URL, shop: Shop) -> Iterator[Documents]:
    name = f"penstock_bench_{uuid4().hex[:8]}"
    # An address without a database logs in to admin, one with a database there.
    account = {"authSource": server.database or "admin"} if server.username else {}
    address = server.set(database=name, query={**account, **server.query})
    with _client(server) as client:
        try:
            collection = client[name][COLLECTION]
            collection.create_index("number", unique=True)
            for page in documents_of(shop):
                collection.insert_many(page, ordered=False)
            what = FERRETDB if "ferretdbVersion" in client.admin.command("buildInfo") else MONGODB
            yield Documents(what, address.render_as_string(hide_password=False))
        finally:
            client.drop_database(name)


def _client(server: URL) -> MongoClient[Document]:
    return MongoClient(server.render_as_string(hide_password=False), serverSelectionTimeoutMS=5_000)


@contextmanager
def answered_by_a_stand_in(shop: Shop) -> Iterator[Documents]:
    command = [sys.executable, "-m", "benchmarks.stand_in", shop.url()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = process.stdout.readline().strip()
            if not port:
                raise CommandFailed("was not measured against documents: their stand-in did not start")
            yield Documents(STAND_IN, f"mongodb://127.0.0.1:{port}/shop")
        finally:
            process.terminate()
