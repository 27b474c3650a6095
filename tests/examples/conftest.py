"""The new service of the example in its own processes, on new and empty databases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from examples.shop.journey.servers import Stores
from examples.shop.journey.service import running_service
from examples.shop.journey.stage import Stage

RATE = 40.0  # requests that a second lets in: more than any test makes but the one about it
ORDER: Mapping[str, Any] = {
    "externalId": "A-1",
    "customerId": 3,
    "contact": "zoë@example.com",
    "status": "paid",
    "currency": "EUR",
    "shipping": 4.99,
    "total": 25.00,
    "note": "🎉",
    "placedAt": "2024-02-29T01:02:03+08:00",
    "shippedAt": None,
    "items": [
        {"line": 1, "sku": "S-1", "quantity": 2, "unitPrice": 10.00},
        {"line": 2, "sku": "S-2", "quantity": 1, "unitPrice": 0.01},
    ],
}
CUSTOMER: Mapping[str, Any] = {
    "externalId": 7,
    "name": "Kim 🐈",
    "email": "kim@example.com",
    "phone": None,
    "birthday": "1980-02-29",
    "newsletter": True,
    "registeredAt": "2024-02-29T01:02:03+08:00",
    "addresses": [
        {"externalId": 1, "kind": "billing", "street": "Weg 1", "postcode": None, "city": "Köln", "country": "DE"}
    ],
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Service:
    port: int
    token: str

    def call(
        self, method: str, path: str, body: object = None, *, key: str | None = None, token: str | None = None
    ) -> Answer:
        headers = {
            "Authorization": f"Bearer {self.token if token is None else token}",
            "Content-Type": "application/json",
        }
        if key is not None:
            headers["Idempotency-Key"] = key
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, json.loads(response.read()))
        finally:
            connection.close()


@pytest.fixture
def service(mariadb_url: str, mongodb_url: str, tmp_path: Path) -> Iterator[Service]:
    stores = Stores(old=mariadb_url, new=mariadb_url, documents=mongodb_url)
    stage = Stage(stores=stores, state=tmp_path)
    with running_service(stage, stores, workers=1, rate=RATE) as url:
        yield Service(int(url.rpartition(":")[2]), stage.environment["SHOP_TOKEN"])
