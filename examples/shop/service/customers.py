"""Customers, each with its addresses in one document.

One document is written at once or not at all, so the Idempotency-Key stands in the document that it brought about. The id is made
from the external one: whoever has a customer finds it by the one index that every server uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID, uuid4, uuid5

from bson import Binary
from examples.shop.service.envelope import EXISTS, KEY_USED_OTHERWISE, NOT_FOUND, Refusal, answer
from examples.shop.service.idempotency import Claim, claim_of
from examples.shop.service.mongodb import Document, Documents, Mongodb
from examples.shop.service.wire import Body, Moment
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from pymongo.errors import DuplicateKeyError

router = APIRouter()

_CUSTOMERS = UUID("8a4f1c3e-6f5d-4e0b-9f4e-2a1f6f0f7c11")


class Address(Body):
    external_id: Annotated[int, Field(ge=1)]
    kind: Literal["billing", "shipping"]
    street: Annotated[str, Field(min_length=1, max_length=200)]
    postcode: Annotated[str, Field(max_length=12)] | None
    city: Annotated[str, Field(min_length=1, max_length=100)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Customer(Body):
    external_id: Annotated[int, Field(ge=1)]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    email: Annotated[str, Field(pattern=r"^[^@\sA-Z]+@[^@\sA-Z]+$", max_length=200)]
    phone: Annotated[str, Field(max_length=40)] | None
    birthday: date | None
    newsletter: bool
    registered_at: Moment
    addresses: Annotated[tuple[Address, ...], Field(max_length=50)]


@router.post("/customers", status_code=201)
async def create_customer(customer: Customer, request: Request, mongodb: Mongodb) -> Response:
    claim = await claim_of(request)
    document = _document(customer, claim)
    replayed = False
    try:
        await mongodb.customers.insert_one(document)
    except DuplicateKeyError:
        document = await _recall(mongodb, claim, customer.external_id)
        replayed = True
    return answer({"id": document["_id"]}, status=201, replayed=replayed)


@router.get("/customers/{external_id}")
async def show_customer(external_id: int, mongodb: Mongodb) -> Response:
    found = await mongodb.customers.find_one({"_id": _id_of(external_id)})
    if found is None:
        raise Refusal(404, NOT_FOUND, f"there is no customer {external_id}")
    return answer(_shown(found))


@router.get("/customers")
async def list_customers(
    mongodb: Mongodb, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """after: the `next` of the page before; null there: no more."""
    page = mongodb.customers.find({"externalId": {"$gt": after}}).sort("externalId").limit(limit)
    found = await page.to_list()
    more = found[-1]["externalId"] if len(found) == limit else None
    return answer({"items": [_shown(each) for each in found], "next": more})


def _document(customer: Customer, claim: Claim) -> Document:
    return {
        "_id": _id_of(customer.external_id),
        **customer.model_dump(by_alias=True),
        "addresses": [address.model_dump(by_alias=True) for address in customer.addresses],
        "birthday": customer.birthday and customer.birthday.isoformat(),  # MongoDB knows moments, and no dates
        "createdAt": datetime.now(UTC),
        # Unique, so that a key belongs to one customer; a request without one has a name that nobody else can have.
        "requestKey": claim.key.decode("latin-1") if claim.key is not None else str(uuid4()),
        "requestFingerprint": Binary(claim.fingerprint),
    }


async def _recall(mongodb: Documents, claim: Claim, external_id: int) -> Document:
    key = claim.key and claim.key.decode("latin-1")
    known = await mongodb.customers.find_one({"_id": _id_of(external_id)})
    if known is not None and known["requestKey"] == key and bytes(known["requestFingerprint"]) == claim.fingerprint:
        return known
    if known is None or known["requestKey"] == key:
        raise Refusal(422, KEY_USED_OTHERWISE, "this Idempotency-Key came with another request before")
    raise Refusal(409, EXISTS, f"there is a customer {external_id} already")


def _id_of(external_id: int) -> str:
    return str(uuid5(_CUSTOMERS, str(external_id)))


def _shown(document: Document) -> Mapping[str, object]:
    return {
        "id": document["_id"],
        "externalId": document["externalId"],
        "registeredAt": document["registeredAt"].isoformat(),
        **{name: document[name] for name in ("name", "email", "phone", "birthday", "newsletter", "addresses")},
    }
