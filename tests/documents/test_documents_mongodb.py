"""MongoDB collections as `verify` looks into them, on a real server. Which one that is says CONTRIBUTING.md."""

from __future__ import annotations

import gc
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from bson import Int64, ObjectId
from bson.binary import Binary, UuidRepresentation
from bson.regex import Regex
from bson.timestamp import Timestamp
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from sqlalchemy import make_url
from tests.database.wires import Wire, wire_to

from penstock.documents.mongodb import MongoCollection, is_served_by, open_collection
from penstock.documents.whole import WholeCollection
from penstock.errors import JobError, StoreUnreachable
from penstock.rows import Record, Unreadable
from penstock.spec.verify_part import Verify

AN_ID = UUID("9f1c1a52-6a5b-4b70-8f5e-0c5d2a3b4c5d")
AN_OBJECT_ID = ObjectId("64b7f0c2a1d3e4f5a6b7c8d9")


@asynccontextmanager
async def opened(
    url: str, *fields: str, key: str | Sequence[str] = "key", folder: str = ".", **also: Any
) -> AsyncIterator[MongoCollection]:
    verify = Verify.model_validate({"url": url, "collection": "orders", "key": key, **also})
    store = open_collection(verify, fields, folder=folder)
    try:
        yield store
    finally:
        await store.aclose()


# A driver that is closed while it connects leaves its socket to the garbage collector: let it come while the test lasts.
leaves_sockets = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture
def collected() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
async def orders(mongodb_url: str) -> AsyncIterator[AsyncCollection[dict[str, Any]]]:
    async with AsyncMongoClient[dict[str, Any]](mongodb_url) as client:
        yield client.get_default_database()["orders"]


async def walked(store: MongoCollection) -> list[tuple[object, ...]]:
    return [key async for page in store.walk() for key in page]


def with_options(url: str, **options: str) -> str:
    parsed = make_url(url)
    return parsed.set(query={**parsed.query, **options}).render_as_string(hide_password=False)


# What is found


async def test_a_document_is_found_with_its_fields_in_the_asked_for_order(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]]
) -> None:
    await orders.insert_many(
        [
            {"key": 1, "total": 12.5, "buyer": {"email": "ann@example.com"}, "items": [{"sku": "A"}, {"sku": "B"}]},
            {"key": 2, "total": 13.5},
            {"key": 3},
        ]
    )
    async with opened(mongodb_url, "items.1.sku", "buyer.email", "total", "items.7.sku") as store:
        assert list(store.fields) == ["items.1.sku", "buyer.email", "total", "items.7.sku"]
        found = await store.look_up([(1,), (2,), (9,)])
    assert sorted(found) == [Record((1,), ("B", "ann@example.com", 12.5, None)), Record((2,), (None, None, 13.5, None))]


async def test_nothing_is_found_for_no_keys(mongodb_url: str, orders: AsyncCollection[dict[str, Any]]) -> None:
    await orders.insert_one({"key": 1})
    async with opened(mongodb_url) as store:
        assert await store.look_up([]) == []


async def test_every_document_of_a_doubled_key_is_found(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]]
) -> None:
    await orders.insert_many([{"key": 1, "total": 1}, {"key": "1", "total": 2}, {"key": 1.0, "total": 3}])
    async with opened(mongodb_url, "total") as store:
        found = await store.look_up([(1,)])
    assert sorted(record.values for record in found) == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("key", "stored"),
    [
        (42, 42),
        (42, Int64(42)),
        (42, 42.0),
        (42, "42"),
        ("42", 42),
        ("42", "42"),
        (-1, "-1"),
        ("A-17", "A-17"),
        ("007", "007"),
        (2**63 - 1, Int64(2**63 - 1)),
        (10**20, str(10**20)),
        (Decimal("42.00"), 42),
        (Decimal("42.00"), "42.00"),
        (Decimal("42.00"), "42"),
        (Decimal("12.50"), 12.5),
        (Decimal("12.50"), "12.5"),
        ("12.5", 12.5),
        (1.25, 1.25),
        (True, True),
        (AN_ID, Binary.from_uuid(AN_ID)),
        (AN_ID, Binary.from_uuid(AN_ID, UuidRepresentation.PYTHON_LEGACY)),
        (AN_ID, str(AN_ID)),
        (AN_ID, str(AN_ID).upper()),
        (str(AN_ID).upper(), Binary.from_uuid(AN_ID)),
        (str(AN_ID).upper(), str(AN_ID)),
        (AN_ID.bytes, Binary.from_uuid(AN_ID)),
        (str(AN_OBJECT_ID), AN_OBJECT_ID),
        (str(AN_OBJECT_ID), str(AN_OBJECT_ID)),
        (b"\x00\xff", b"\x00\xff"),
        (b"\x00\xff", "AP8="),
        (b"\x00\xff", "00ff"),
        (date(2026, 1, 31), datetime(2026, 1, 31, tzinfo=UTC)),
        (date(2026, 1, 31), "2026-01-31"),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        (datetime(2026, 1, 31, 8, tzinfo=UTC), datetime(2026, 1, 31, 8, tzinfo=UTC)),
        (datetime(2026, 1, 31, 8, tzinfo=UTC), "2026-01-31T08:00:00Z"),
        (datetime(2026, 1, 31, 8, 0, 0, 1500), datetime(2026, 1, 31, 8, 0, 0, 1000, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2026, 1, 31, 8), "2026-01-31 08:00:00"),  # noqa: DTZ001
        ("2026-01-31T09:00:00+01:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        (timedelta(hours=30), "30:00:00"),
    ],
)
async def test_a_key_is_found_whatever_type_it_has_there(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]], key: object, stored: object
) -> None:
    await orders.insert_many([{"key": stored, "n": 1}, {"key": "another", "n": 2}, {"n": 3}])
    async with opened(mongodb_url, "n") as store:
        assert [record.values for record in await store.look_up([(key,)])] == [(1,)]


async def test_keys_of_several_parts_are_found(mongodb_url: str, orders: AsyncCollection[dict[str, Any]]) -> None:
    places = [("north", 1), ("north", 2), ("south", 1), ("7", 3), (7, 4)]
    await orders.insert_many([{"at": {"house": house}, "sku": sku} for house, sku in places])
    async with opened(mongodb_url, key=["at.house", "sku"]) as store:
        found = await store.look_up([("north", "1"), ("south", 1), ("south", 2), (7, 3)])
        assert sorted(found, key=str) == [Record(("7", 3), ()), Record(("north", 1), ()), Record(("south", 1), ())]
        assert sorted(map(str, await walked(store))) == sorted(map(str, places))


async def test_a_thousand_keys_of_several_parts_are_found_at_once(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]]
) -> None:
    places = [(house, sku) for house in range(250) for sku in range(4)]
    await orders.insert_many([{"house": house, "sku": sku} for house, sku in places])
    async with opened(mongodb_url, key=["house", "sku"]) as store:
        found = await store.look_up(places)
    assert sorted(record.key for record in found) == places


async def test_a_field_that_names_nothing_is_told_before_it_fills_the_memory(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.documents.mongodb.MOST_RECORDS", 10)
    await orders.insert_many([{"key": "paid"} for _ in range(11)])
    async with opened(mongodb_url) as store:
        with pytest.raises(JobError, match=r"more than 10 documents under 1,000 keys: key names none of them"):
            await store.look_up([("paid",)])


# What is walked over


async def test_every_key_is_walked_over(mongodb_url: str, orders: AsyncCollection[dict[str, Any]]) -> None:
    await orders.insert_many([{"key": number} for number in range(2_500)])
    async with opened(mongodb_url) as store, aclosing(store.walk()) as pages:
        sizes = [len(page) async for page in pages]
        assert max(sizes) <= 1_000
        assert sorted(await walked(store)) == [(number,) for number in range(2_500)]


MIXED: list[object] = [
    None,
    1,
    2.5,
    Int64(2**40),
    "a",
    "",
    {"at": 1},
    b"abc",
    Binary.from_uuid(AN_ID),
    AN_OBJECT_ID,
    False,
    True,
    datetime(2026, 1, 31, tzinfo=UTC),
    Timestamp(1, 1),
]


async def fill_with_mixed_ids(orders: AsyncCollection[dict[str, Any]], fillers: Sequence[object]) -> list[str]:
    ids = [*MIXED, *fillers]
    await orders.insert_many([{"_id": _id, "key": str(at)} for at, _id in enumerate(ids)])
    return sorted(str(at) for at in range(len(ids)))


def cut_one_page(wire: Wire) -> Callable[[], int]:
    """The line breaks in the place of the next page; whatever comes after goes through. Returns how often it broke."""
    cuts = 0

    def down(data: bytes) -> bytes | None:
        nonlocal cuts
        if len(data) < 4_000:  # the driver's other connections only ask how the server is
            return data
        cuts += 1
        wire.mend()
        return None

    wire.down = down
    return lambda: cuts


# As many of one type that the first page ends within them.
@pytest.mark.parametrize(
    "fillers",
    [
        range(-2_500, 0),
        [number + 0.25 for number in range(1_100)],
        [f"b{number}" for number in range(1_100)],
        [{"at": number + 2} for number in range(1_100)],
        [f"b{number}".encode() for number in range(1_100)],
        [ObjectId(f"{number:024x}") for number in range(1_100)],
        [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(1_100)],
        [Timestamp(2, number) for number in range(1_100)],
    ],
    ids=["integers", "floats", "texts", "documents", "bytes", "object ids", "dates", "timestamps"],
)
async def test_a_walk_whose_cursor_is_lost_goes_on_behind_the_last_page(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]], fillers: Sequence[object]
) -> None:
    expected = await fill_with_mixed_ids(orders, fillers)
    async with wire_to(mongodb_url) as (wire, url), opened(url) as store, aclosing(store.walk()) as pages:
        keys = list(await anext(pages))
        cuts = cut_one_page(wire)
        async for page in pages:
            keys += page
        assert cuts() == 1
    assert sorted(str(key) for [key] in keys) == expected


@leaves_sockets
@pytest.mark.usefixtures("collected")
async def test_a_walk_that_gets_no_page_any_more_ends_as_unreachable(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]]
) -> None:
    await orders.insert_many([{"key": number} for number in range(1_500)])
    async with wire_to(mongodb_url) as (wire, url):
        impatient = with_options(url, serverSelectionTimeoutMS="300", connectTimeoutMS="300")
        async with opened(impatient) as store, aclosing(store.walk()) as pages:
            assert len(await anext(pages)) == 1_000
            wire.cut_down_after(0)
            with pytest.raises(StoreUnreachable, match=r"^orders of mongodb://127\.0\.0\.1"):
                await anext(pages)


async def test_documents_without_a_scalar_key_are_counted_and_never_shown(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]]
) -> None:
    await orders.insert_many(
        [
            {"a": {"b": 1}},
            {"a": {"b": None}},
            {"a": {}},
            {"a": 1},
            {},
            {"a": {"b": [1, 2]}},
            {"a": {"b": {"c": 1}}},
            {"a": [{"b": 1}]},
        ]
    )
    async with opened(mongodb_url, key="a.b") as store:
        assert await store.without_key() == 7
        assert await walked(store) == [(1,)]
        assert await store.look_up([(1,), (2,)]) == [Record((1,), ())]


async def test_a_key_in_a_place_of_a_list_is_a_key(mongodb_url: str, orders: AsyncCollection[dict[str, Any]]) -> None:
    await orders.insert_many([{"ids": [{"v": 1}, {"v": 2}]}, {"ids": []}])
    async with opened(mongodb_url, key="ids.0.v") as store:
        assert await store.without_key() == 1
        assert await walked(store) == [(1,)]
        assert await store.look_up([(1,), (2,)]) == [Record((1,), ())]


async def test_only_documents_of_the_filter_count(mongodb_url: str, orders: AsyncCollection[dict[str, Any]]) -> None:
    await orders.insert_many(
        [
            {"key": 1, "shop": AN_OBJECT_ID, "at": datetime(2026, 1, 2, tzinfo=UTC)},
            {"key": 2, "shop": AN_OBJECT_ID, "at": datetime(2025, 1, 2, tzinfo=UTC)},
            {"key": 3, "shop": ObjectId(), "at": datetime(2026, 1, 2, tzinfo=UTC)},
            {"shop": AN_OBJECT_ID, "at": datetime(2026, 1, 2, tzinfo=UTC)},
            {"shop": ObjectId()},
        ]
    )
    filter_ = {"shop": {"$oid": str(AN_OBJECT_ID)}, "at": {"$gte": {"$date": "2026-01-01T00:00:00Z"}}}
    async with opened(mongodb_url, filter=filter_) as store:
        assert await store.look_up([(1,), (2,), (3,)]) == [Record((1,), ())]
        assert await walked(store) == [(1,)]
        assert await store.without_key() == 1


# What values become


async def test_values_come_as_pythons_own(mongodb_url: str, orders: AsyncCollection[dict[str, Any]]) -> None:
    document = {
        "_id": 1,
        "key": 1,
        "small": 3,
        "large": Int64(2**40),
        "float": 0.1,
        "text": "très 🎉",
        "yes": True,
        "nothing": None,
        "moment": datetime(2026, 1, 31, 8, 0, 0, 1000, tzinfo=UTC),
        "bytes": b"\x00\xff",
        "other": Binary(b"ab", 128),
        "uuid": Binary.from_uuid(AN_ID),
        "id": AN_OBJECT_ID,
        "list": [Int64(1), {"id": AN_OBJECT_ID}],
        "document": {"a": {"b": Int64(1)}},
        "pattern": Regex("a"),
    }
    await orders.insert_one(document)
    async with opened(mongodb_url, *document) as store:
        [record] = await store.look_up([(1,)])
    found = dict(zip(document, record.values, strict=True))
    assert found == {
        **document,
        "other": b"ab",
        "uuid": AN_ID,
        "id": str(AN_OBJECT_ID),
        "list": [1, {"id": str(AN_OBJECT_ID)}],
        "pattern": Unreadable("BSON's Regex has no form outside of MongoDB"),
    }
    assert {type(found[name]) for name in ("large", "bytes", "other", "id")} == {int, bytes, str}
    assert isinstance(found["list"], list)
    assert [type(value) for value in found["list"]] == [int, dict]


async def test_uuids_of_the_old_kind_are_read_in_the_order_that_the_url_names(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]]
) -> None:
    await orders.insert_one({"key": Binary.from_uuid(AN_ID, UuidRepresentation.JAVA_LEGACY)})
    async with opened(with_options(mongodb_url, uuidRepresentation="javaLegacy")) as store:
        assert await store.look_up([(AN_ID,)]) == [Record((AN_ID,), ())]
        assert await walked(store) == [(AN_ID,)]


async def test_what_the_projection_asks_for_is_read_besides(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]]
) -> None:
    await orders.insert_one({"key": 1, "total": 2, "buyer": {"email": "ann@example.com", "name": "Ann"}, "secret": "s"})
    for projection in (
        {"secret": 0},
        {"_id": 0, "buyer": 1},
        {"buyer.name": 1},
        {"total": 1, "_id": 1},
    ):
        async with opened(mongodb_url, "buyer.email", "total", projection=projection) as store:
            assert await store.look_up([(1,)]) == [Record((1,), ("ann@example.com", 2))], projection


# What a person is told


async def test_the_name_of_a_store_holds_no_secret(mongodb_url: str) -> None:
    parsed = make_url(mongodb_url)
    url = parsed.set(username="ann", password="secret", query={}).render_as_string(hide_password=False)
    async with opened(url) as store:
        assert store.name == f"orders of mongodb://{parsed.host}:{parsed.port}/{parsed.database}"


async def test_a_collection_that_is_not_there_is_told_with_those_that_are(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]]
) -> None:
    await orders.database["order"].insert_one({"key": 1})
    async with opened(mongodb_url) as store:
        for question in (store.look_up([(1,)]), anext(store.walk()), store.without_key(), store.scanned()):
            with pytest.raises(
                JobError, match=r"there is no collection 'orders'; it has order: correct verify.collection"
            ):
                await question


async def test_a_database_that_is_not_there_is_told(mongodb_url: str) -> None:
    async with opened(mongodb_url) as store:
        with pytest.raises(JobError, match="it has none, or there is no such database"):
            await store.without_key()


async def test_a_collection_that_came_meanwhile_is_found(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]]
) -> None:
    async with opened(mongodb_url) as store:
        with pytest.raises(JobError):
            await store.without_key()
        await orders.insert_one({})
        assert await store.without_key() == 1


async def test_a_wrong_password_is_told_and_not_shown(mongodb_url: str) -> None:
    url = make_url(mongodb_url).set(username="penstock", password="wrong-secret").render_as_string(hide_password=False)
    async with opened(url) as store:
        with pytest.raises(JobError, match=r"Check user and password in verify\.url") as caught:
            await store.without_key()
    assert "wrong-secret" not in str(caught.value)


@leaves_sockets
@pytest.mark.usefixtures("collected")
async def test_a_server_that_is_not_there_may_come_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with opened(f"mongodb://ann:secret@127.0.0.1:{port}/shop?serverSelectionTimeoutMS=300") as store:
        with pytest.raises(
            StoreUnreachable, match=f"^orders of mongodb://127.0.0.1:{port}/shop: .*Connect call failed"
        ) as caught:
            await store.look_up([(1,)])
    assert "secret" not in str(caught.value)


@leaves_sockets
@pytest.mark.usefixtures("collected")
async def test_a_server_that_says_nothing_may_answer_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        url = f"mongodb://127.0.0.1:{port}/shop?serverSelectionTimeoutMS=300&connectTimeoutMS=200"
        async with opened(url) as store:
            with pytest.raises(StoreUnreachable):
                await store.without_key()


async def test_a_name_that_cannot_be_resolved_may_be_later() -> None:
    async with opened("mongodb+srv://ann:secret@shop.penstock.invalid/shop?connectTimeoutMS=300") as store:
        with pytest.raises(
            StoreUnreachable, match=r"^orders of mongodb\+srv://shop\.penstock\.invalid/shop: "
        ) as caught:
            await store.without_key()
    assert "secret" not in str(caught.value)


@leaves_sockets
@pytest.mark.usefixtures("collected")
async def test_a_line_that_is_cut_may_be_mended(mongodb_url: str, orders: AsyncCollection[dict[str, Any]]) -> None:
    await orders.insert_one({"key": 1})
    async with (
        wire_to(with_options(mongodb_url, serverSelectionTimeoutMS="300", connectTimeoutMS="300")) as (wire, url),
        opened(url) as store,
    ):
        assert len(await store.look_up([(1,)])) == 1
        wire.cut_down_after(0)
        with pytest.raises(StoreUnreachable):
            await store.look_up([(1,)])
        wire.mend()
        while not await is_there(store):  # the driver looks for the server twice a second
            pass


async def is_there(store: MongoCollection) -> bool:
    try:
        return len(await store.look_up([(1,)])) == 1
    except StoreUnreachable:
        return False


@pytest.mark.parametrize("filter_", [{"total": {"$frob": 1}}, {"$frob": []}, {"total": {"$in": 3}}, {"total": 2**64}])
async def test_a_filter_that_the_server_refuses_is_told_in_its_words(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]], filter_: dict[str, object]
) -> None:
    await orders.insert_one({"key": 1, "total": 1})
    async with opened(mongodb_url, filter=filter_) as store:
        for question in (store.look_up([(1,)]), anext(store.walk()), store.without_key()):
            with pytest.raises(JobError, match=r"refuses the question: .*; look at verify\.filter"):
                await question


@pytest.mark.parametrize(
    ("also", "message"),
    [
        ({"filter": {"shop": {"$oid": "xyz"}}}, r"verify\.filter: .*24-character hex.*extended JSON"),
        ({"filter": {"at": {"$date": "yesterday"}}}, r"verify\.filter: "),
        ({"projection": {"key": 0}}, r"verify\.projection leaves out key, and key is read; take key: 0 out"),
        ({"projection": {"total": False}}, r"leaves out total, and total\.net is read"),
    ],
)
async def test_what_cannot_be_asked_is_refused_at_once(also: dict[str, Any], message: str) -> None:
    with pytest.raises(JobError, match=message):
        async with opened("mongodb://127.0.0.1/shop", "total.net", **also):
            pass


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mongodb://ann:pa-ss@host", "names no database; write mongodb://"),
        ("mongodb://ann:pa-ss@host/", "names no database"),
        ("mongodb://ann:pa-ss@host:port/shop", "cannot be read; write mongodb://"),
        ("mongodb://ann:pa-ss@word@host/shop", "cannot be read"),
        ("mongodb://ann:12?pa-ss@host/shop", r"has an @ behind a \?"),
        (
            "mongodb://ann:pa-ss@host/shop?readPreferense=nearest",
            "not understood: Unknown option. Did you mean one of .readpreference",
        ),
        ("mongodb://ann:pa-ss@host/shop?connectTimeoutMS=pa-ss", "not understood: connecttimeoutms must be an integer"),
        (
            "mongodb://ann@host/shop?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN=pa-ss",
            "cannot be read",
        ),
        ("mongodb://ann:pa-ss@host/shop?tls=true&tlsCAFile=ca.pem", "tlsCAFile=ca.pem, and there is no file"),
    ],
)
async def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str, message: str) -> None:
    with pytest.raises(JobError, match=message) as caught:
        async with opened(url):
            pass
    assert "pa-ss" not in str(caught.value)


async def test_tls_files_are_looked_for_beside_the_job_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(JobError, match="the TLS files that the mongodb URL names cannot be used"):
        async with opened("mongodb://host/shop?tls=true&tlsCAFile=ca.pem", folder=str(tmp_path)):
            pass


@pytest.mark.parametrize(
    ("index", "serves"),
    [
        ({"key": [("key", -1), ("total", 1)]}, True),
        ({"key": [("shop", 1), ("key", 1)]}, False),
        ({"key": [("key", 1)], "partialFilterExpression": {"total": 1}}, False),
        ({"key": [("_id", 1)]}, False),
    ],
)
def test_an_index_serves_look_ups_if_it_begins_with_the_key_and_holds_all(
    index: dict[str, object], serves: bool
) -> None:
    assert is_served_by(index, ["key"]) is serves


async def test_a_collection_that_no_index_serves_is_told_and_may_be_read_whole(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]]
) -> None:
    await orders.insert_many([{"key": number % 1_500, "total": number} for number in range(2_500)])
    await orders.insert_many([{"total": -1}, {"key": [1], "total": -2}])
    async with opened(mongodb_url, "total") as store:
        assert await store.scanned() == "the collection orders"
        whole = WholeCollection(store)
        assert sorted(record.values for record in await whole.look_up([(7,), ("8",), (99_999,)])) == [
            (7,),
            (8,),
            (1_507,),
            (1_508,),
        ]
        assert await whole.without_key() == 2
        async with aclosing(whole.walk()) as pages:
            keys = [key for page in [page async for page in pages] for key in page]
        assert len(keys) == 2_500
        await orders.delete_many({"key": 7})
        assert len(await whole.look_up([(7,)])) == 2  # as it was when it was read
        await whole.look_again()
        assert await whole.look_up([(7,)]) == []


async def test_a_walk_that_is_left_early_leaves_nothing_behind(
    mongodb_url: str, orders: AsyncCollection[dict[str, Any]]
) -> None:
    await orders.insert_many([{"key": number} for number in range(1_500)])
    async with opened(mongodb_url) as store:
        async with aclosing(store.walk()) as pages:
            assert len(await anext(pages)) == 1_000
        assert re.match(r"orders of mongodb://", store.name)
