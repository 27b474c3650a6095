"""Answers like a MongoDB server whose collection has an index on `number`, as far as `penstock verify` asks; it keeps documents
in a dictionary. FerretDB 1, which the tests bring, has no index that serves a look-up of many keys.

python -m benchmarks.stand_in DATABASE

DATABASE: URL of a shop with its table `moved`, of which the documents are made. It prints its port once they are there.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Any

import bson
import uvloop
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument
from sqlalchemy import make_url

from benchmarks.database import Server
from benchmarks.documents import COLLECTION, documents_of
from benchmarks.shop import Shop

_HEAD = struct.Struct("<iiii")  # length, number, answer to, kind
_QUERY, _REPLY, _MESSAGE = 2004, 1, 2013
_SECTION_AT = 5  # of a message, behind its flags and the section's kind
_HELLO: Mapping[str, Any] = {
    "helloOk": True,
    "ismaster": True,
    "isWritablePrimary": True,
    "maxBsonObjectSize": 16 * 2**20,
    "maxMessageSizeBytes": 48 * 2**20,
    "maxWriteBatchSize": 100_000,
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "ok": 1.0,
}


class Collection:
    """documents: by `number`, as the wire has them; an integer names one, and so does its text, which none of these is."""

    def __init__(self, documents: Mapping[int, bytes]) -> None:
        self._documents = documents
        self._walks: dict[int, Iterator[int]] = {}
        self._next_walk = count(1)

    def answer(self, command: Mapping[str, Any]) -> Mapping[str, Any]:
        name = next(iter(command))
        match name.lower():
            case "hello" | "ismaster":
                return _HELLO
            case "buildinfo":
                return {"version": "7.0.0", "ok": 1.0}
            case "listcollections":
                return _cursor("firstBatch", [{"name": COLLECTION, "type": "collection"}])
            case "listindexes":
                return _cursor("firstBatch", [{"v": 2, "key": {"number": 1}, "name": "number_1"}])
            case "aggregate":  # counts the documents without a key
                return _cursor("firstBatch", [])
            case "find" if "number" in command["filter"]:
                asked = command["filter"]["number"]["$in"]
                found = [self._documents[key] for key in asked if type(key) is int and key in self._documents]
                return _cursor("firstBatch", [RawBSONDocument(document) for document in found])
            case "find":
                number = next(self._next_walk)
                self._walks[number] = iter(self._documents)
                return self._portion(number, "firstBatch", command["batchSize"])
            case "getmore":
                return self._portion(command["getMore"], "nextBatch", command["batchSize"])
        return {"ok": 1.0}  # killCursors, endSessions

    def _portion(self, number: int, part: str, size: int) -> Mapping[str, Any]:
        keys = list(islice(self._walks[number], size))
        if len(keys) < size:
            del self._walks[number]
            number = 0
        return _cursor(part, [{"_id": key, "number": key} for key in keys], number)


def _cursor(part: str, batch: Sequence[Mapping[str, Any]], number: int = 0) -> Mapping[str, Any]:
    return {"cursor": {"id": Int64(number), "ns": f"shop.{COLLECTION}", part: batch}, "ok": 1.0}


async def _serve(collection: Collection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            length, number, _, kind = _HEAD.unpack(await reader.readexactly(_HEAD.size))
            body = await reader.readexactly(length - _HEAD.size)
            if kind == _QUERY:  # how a driver says hello to a server that it does not know yet
                named_up_to = body.index(b"\0", 4) + 1
                said = bson.encode(collection.answer(bson.decode(_first_document(body, named_up_to + 8))))
                answer, kind = struct.pack("<iqii", 8, 0, 0, 1) + said, _REPLY
            else:
                answer = bytes(_SECTION_AT) + bson.encode(
                    collection.answer(bson.decode(_first_document(body, _SECTION_AT)))
                )
            writer.write(_HEAD.pack(_HEAD.size + len(answer), 0, number, kind) + answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _first_document(body: bytes, at: int) -> bytes:
    (length,) = struct.unpack_from("<i", body, at)
    return body[at : at + length]


async def _main(documents: Mapping[int, bytes]) -> None:
    collection = Collection(documents)
    server = await asyncio.start_server(lambda reader, writer: _serve(collection, reader, writer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _held(shop: Shop) -> dict[int, bytes]:
    """Without _id, for which nobody asks."""
    return {document["number"]: bson.encode(document) for page in documents_of(shop) for document in page}


if __name__ == "__main__":
    address = make_url(sys.argv[1])
    # Before the loop runs: the shop's server is asked by loops of its own.
    held = _held(Shop(Server(address), address.database or "", rows=0))
    uvloop.run(_main(held))
