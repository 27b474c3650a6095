"""The catalogue: a document for each product, put in its place by its number, as often as one likes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from examples.shop.service.envelope import NOT_FOUND, Refusal, answer
from examples.shop.service.mongodb import Document, Mongodb
from examples.shop.service.wire import Body, Currency
from fastapi import APIRouter, Query, Response
from pydantic import Field, JsonValue
from pymongo.errors import DuplicateKeyError

router = APIRouter()


class Product(Body):
    """price_cents: so that no store can round it."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    price_cents: Annotated[int, Field(ge=0)]
    currency: Currency
    weight_grams: Annotated[int, Field(ge=0)] | None
    attributes: dict[str, JsonValue]
    discontinued_on: date | None


@router.put("/products/{sku}")
async def put_product(sku: str, product: Product, mongodb: Mongodb) -> Response:
    document = {
        "_id": sku,
        **product.model_dump(by_alias=True),
        "discontinuedOn": product.discontinued_on and product.discontinued_on.isoformat(),
    }
    try:
        await mongodb.products.insert_one(document)
    except DuplicateKeyError:  # it is there already, and is put in its place again
        await mongodb.products.replace_one({"_id": sku}, document)
    return answer({"id": sku})


@router.get("/products/{sku}")
async def show_product(sku: str, mongodb: Mongodb) -> Response:
    found = await mongodb.products.find_one({"_id": sku})
    if found is None:
        raise Refusal(404, NOT_FOUND, f"there is no product {sku}")
    return answer(_shown(found))


@router.get("/products")
async def list_products(
    mongodb: Mongodb, after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """after: the `next` of the page before; null there: no more."""
    found = await mongodb.products.find({"_id": {"$gt": after}}).sort("_id").limit(limit).to_list()
    return answer(
        {"items": [_shown(each) for each in found], "next": found[-1]["_id"] if len(found) == limit else None}
    )


def _shown(document: Document) -> Mapping[str, object]:
    return {
        "sku": document["_id"],
        **{name: value for name, value in document.items() if name != "_id"},
    }
