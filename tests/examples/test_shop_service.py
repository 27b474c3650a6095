"""The new service keeps its word: what the journey proves would otherwise be worth nothing."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from examples.shop.journey.servers import Stores
from examples.shop.journey.service import running_service
from examples.shop.journey.stage import Stage
from tests.examples.conftest import CUSTOMER, ORDER, RATE

if TYPE_CHECKING:
    from tests.examples.conftest import Service

PAYMENT: Mapping[str, Any] = {
    "externalId": 5,
    "order": "A-1",
    "method": "card",
    "amount": -25.00,
    "paidAt": "2024-02-29T01:02:03+08:00",
    "reference": "50 €",
}


def test_an_order_comes_back_as_it_was(service: Service) -> None:
    created = service.call("POST", "/orders", ORDER)
    assert (created.status, created.body["code"]) == (201, 0)
    shown = service.call("GET", "/orders/A-1").body["data"]
    assert shown["total"] == "25.00"
    assert shown["note"] == "🎉"
    assert shown["placedAt"] == "2024-02-28T17:02:03+00:00"
    assert shown["shippedAt"] is None
    assert [item["unitPrice"] for item in shown["items"]] == ["10.00", "0.01"]


def test_a_customer_comes_back_as_it_was(service: Service) -> None:
    service.call("POST", "/customers", CUSTOMER)
    shown = service.call("GET", "/customers/7").body["data"]
    shown.pop("id")
    assert shown == {**CUSTOMER, "registeredAt": "2024-02-28T17:02:03+00:00"}


@pytest.mark.parametrize(("path", "body"), [("/orders", ORDER), ("/customers", CUSTOMER)])
def test_the_same_key_at_the_same_time_is_applied_once(service: Service, path: str, body: Mapping[str, Any]) -> None:
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(service.call, "POST", path, body, key="k") for _ in range(8)]
        answers = [call.result() for call in calls]
    assert [answer.status for answer in answers] == [201] * 8
    assert len({answer.body["data"]["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert len(service.call("GET", path).body["data"]["items"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "external_id"), [("/orders", ORDER, "A-2"), ("/customers", CUSTOMER, 8)], ids=["order", "customer"]
)
def test_a_key_belongs_to_one_request(
    service: Service, path: str, body: Mapping[str, Any], external_id: object
) -> None:
    service.call("POST", path, body, key="k")
    other = service.call("POST", path, {**body, "externalId": external_id}, key="k")
    assert (other.status, other.body["code"]) == (422, 40922)
    assert service.call("GET", f"{path}/{external_id}").status == 404


@pytest.mark.parametrize(("path", "body"), [("/orders", ORDER), ("/customers", CUSTOMER)], ids=["order", "customer"])
def test_what_is_there_is_not_made_again_under_another_key(
    service: Service, path: str, body: Mapping[str, Any]
) -> None:
    service.call("POST", path, body, key="k")
    for key in ("other", None):
        again = service.call("POST", path, body, key=key)
        assert (again.status, again.body["code"]) == (409, 40901)


def test_a_payment_needs_its_order(service: Service) -> None:
    refused = service.call("POST", "/payments", PAYMENT, key="p")
    assert (refused.status, refused.body["code"]) == (422, 40410)
    service.call("POST", "/orders", ORDER)
    assert service.call("POST", "/payments", PAYMENT, key="p").status == 201
    assert service.call("GET", "/payments/5").body["data"]["amount"] == "-25.00"


def test_rules_of_the_shop_say_no_in_the_envelope(service: Service) -> None:
    refused = service.call("POST", "/orders", {**ORDER, "total": 24.99})
    assert (refused.status, refused.body["code"]) == (200, 40021)
    assert service.call("GET", "/orders/A-1").body["code"] == 40400


def test_what_is_not_valid_is_named(service: Service) -> None:
    wrong: Mapping[str, object] = {"total": "much", "unknown": 1, "placedAt": "2024-02-29T01:02:03", "items": []}
    for field, value in wrong.items():
        refused = service.call("POST", "/orders", {**ORDER, field: value})
        assert (refused.status, refused.body["code"]) == (422, 42200)
        assert field in refused.body["message"]


def test_nobody_comes_in_without_the_token(service: Service) -> None:
    refused = service.call("GET", "/orders", token="guessed")
    assert (refused.status, refused.body["code"]) == (401, 401)


def test_too_many_are_asked_to_wait(service: Service) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: service.call("GET", "/products/none"), range(int(RATE) * 4)))
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert {answer.body["code"] for answer in refused} == {429}


def test_pages_show_everything_once(service: Service) -> None:
    for number in range(1, 6):
        body = {"name": "N", "priceCents": number, "currency": "EUR", "weightGrams": None, "attributes": {}}
        service.call("PUT", f"/products/S-{number}", {**body, "discontinuedOn": None})
        service.call("PUT", f"/products/S-{number}", {**body, "discontinuedOn": None})
    seen, after = [], ""
    while after is not None:
        page = service.call("GET", f"/products?limit=2&after={after}").body["data"]
        seen += [product["sku"] for product in page["items"]]
        after = page["next"]
    assert seen == [f"S-{number}" for number in range(1, 6)]


def test_it_listens_where_it_is_told_and_nowhere_else(mariadb_url: str, mongodb_url: str, tmp_path: Path) -> None:
    stores = Stores(old=mariadb_url, new=mariadb_url, documents=mongodb_url)
    stage = Stage(stores=stores, state=tmp_path)
    with running_service(stage, stores, workers=1, rate=RATE, host="127.0.0.2") as url:
        port = int(url.rpartition(":")[2])
        socket.create_connection(("127.0.0.2", port), timeout=30).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=30)
