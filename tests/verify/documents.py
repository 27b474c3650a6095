"""The same shop with a new store of documents: customers' orders in a MongoDB collection."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from tests.engine.api import Asked, Reply
from tests.verify.stage import Stage, staged

from penstock.verify.findings import FindingKind

Orders: TypeAlias = AsyncCollection[dict[str, Any]]

VERIFY = """\
verify:
  url: {url}
  collection: orders
  filter: {{kind: order}}
  key: ref.old
  compare:
    totals.gross: "{{{{ total }}}}"
    totals.asText: "{{{{ total }}}}"
    weight: "{{{{ weight }}}}"
    placed: "{{{{ placed }}}}"
    day: "{{{{ day }}}}"
    note: "{{{{ note }}}}"
    lines.0.no: "{{{{ id }}}}"
"""


@dataclass(frozen=True)
class DocumentStage:
    """stage: the shop; its API writes documents. orders: the collection."""

    stage: Stage
    orders: Orders


@asynccontextmanager
async def staged_documents(folder: Path, source: str, mongodb: str, rows: int = 12) -> AsyncIterator[DocumentStage]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongodb, tz_aware=True)
    try:
        orders = client.get_default_database()["orders"]
        await orders.create_index("ref.old")
        async with staged(folder, source, rows) as stage:
            stage.api.script = _storing(orders)
            stage.write(VERIFY.replace("{url}", mongodb))
            yield DocumentStage(stage, orders)
    finally:
        await client.close()


def _storing(orders: Orders) -> Callable[[Asked], Awaitable[Reply]]:
    """A good API, whose owners like documents: numbers as doubles beside their text, no field where there is no value."""

    async def store(asked: Asked) -> Reply:
        body = json.loads(asked.content.partition(b"\r\n\r\n")[2], parse_float=Decimal)
        await orders.insert_one(document_of(body))
        return asked.accepted

    return store


def document_of(body: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": "order",
        "ref": {"old": body["id"]},
        "totals": {"gross": float(body["total"]), "asText": str(body["total"])},
        "weight": float(body["weight"]),
        "placed": datetime.fromisoformat(body["placed"]).astimezone(UTC),
        "lines": [{"no": body["id"]}],
    }
    return document | {name: body[name] for name in ("day", "note") if body[name] is not None}


@dataclass(frozen=True)
class DocumentDamage:
    """do: what is done to the collection. found: what has to be said of it, all of it: kind, key, field."""

    name: str
    do: Callable[[Orders], Awaitable[object]]
    found: tuple[tuple[FindingKind, str | None, str | None], ...]


_OF_7 = {"ref.old": 7}


def _set(**values: object) -> Callable[[Orders], Awaitable[object]]:
    named = {name.replace("__", "."): value for name, value in values.items()}
    return lambda orders: orders.update_one(_OF_7, {"$set": named})


async def _double(orders: Orders) -> None:
    document = await orders.find_one(_OF_7, {"_id": 0})
    assert document is not None
    await orders.insert_one(document)


async def _add(orders: Orders, **values: object) -> None:
    document = await orders.find_one(_OF_7, {"_id": 0})
    assert document is not None
    await orders.insert_one({**document, **values})


def _differs(field: str) -> tuple[tuple[FindingKind, str | None, str | None], ...]:
    return ((FindingKind.DIFFERING, "7", field),)


def _is_incomparable(field: str) -> tuple[tuple[FindingKind, str | None, str | None], ...]:
    return ((FindingKind.INCOMPARABLE, "7", field),)


DAMAGES = (
    DocumentDamage("document dropped", lambda orders: orders.delete_one(_OF_7), ((FindingKind.MISSING, "7", None),)),
    DocumentDamage("document doubled", _double, ((FindingKind.DOUBLED, "7", None),)),
    DocumentDamage("a cent too much", _set(totals__gross=0.50), _differs("totals.gross")),
    DocumentDamage("a cent too much in a text", _set(totals__asText="0.50"), _differs("totals.asText")),
    DocumentDamage("no number in a text", _set(totals__asText="0,49 EUR"), _is_incomparable("totals.asText")),
    DocumentDamage("a float cut", _set(weight=2.3333), _differs("weight")),
    DocumentDamage("emoji lost", _set(note="très bien  7"), _differs("note")),
    DocumentDamage("read as latin1", _set(note="trÃ¨s bien ð\x9f\x8e\x89 7"), _differs("note")),
    DocumentDamage("empty text", _set(note=""), _differs("note")),
    DocumentDamage(
        "field removed", lambda orders: orders.update_one(_OF_7, {"$unset": {"note": ""}}), _differs("note")
    ),
    DocumentDamage(
        "null where nothing was",
        lambda orders: orders.update_one({"ref.old": 5}, {"$set": {"note": None}}),
        (),
    ),
    DocumentDamage(
        "a value where nothing was",
        lambda orders: orders.update_one({"ref.old": 5}, {"$set": {"note": "new"}}),
        ((FindingKind.DIFFERING, "5", "note"),),
    ),
    DocumentDamage("zone shifted", _set(placed=datetime(2024, 3, 10, 8, 7, tzinfo=UTC)), _differs("placed")),
    DocumentDamage(
        "a millisecond late", _set(placed=datetime(2024, 3, 10, 0, 7, 0, 1000, tzinfo=UTC)), _differs("placed")
    ),
    DocumentDamage("a date as text", _set(placed="2024-03-10T08:07:00+08:00"), ()),
    DocumentDamage("a date as a number", _set(placed=1710029220), _is_incomparable("placed")),
    DocumentDamage("a day off", _set(day="2020-01-09"), _differs("day")),
    DocumentDamage("a list emptied", _set(lines=[]), _differs("lines.0.no")),
    DocumentDamage("a list for a number", _set(weight=[7]), _is_incomparable("weight")),
    DocumentDamage("key as text", _set(ref={"old": "7"}), ()),
    DocumentDamage(
        "key lost",
        lambda orders: orders.update_one(_OF_7, {"$unset": {"ref": ""}}),
        ((FindingKind.MISSING, "7", None), (FindingKind.EXTRA, None, None)),
    ),
    DocumentDamage("out of the filter", _set(kind="cart"), ((FindingKind.MISSING, "7", None),)),
    DocumentDamage(
        "a document from elsewhere", lambda orders: _add(orders, ref={"old": 7777}), ((FindingKind.EXTRA, None, None),)
    ),
    DocumentDamage("one from elsewhere, filtered", lambda orders: _add(orders, ref={"old": 7777}, kind="cart"), ()),
)
