"""The bundled API as its clients see it: a real process on the loopback address."""

from __future__ import annotations

import json
import signal
import time
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import NamedTuple

import pytest

from penstock.demo.api import TOKEN
from penstock.demo.faults import Fault, Faults
from penstock.demo.processes import RunningApi, running_api
from penstock.demo.service import MOVING_BUYER, REUSED_KEY

HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


class Reply(NamedTuple):
    status: int
    body: dict[str, object]
    retry_after: str | None

    @property
    def order_id(self) -> object:
        data = self.body["data"]
        assert isinstance(data, dict)
        return data["id"]


def order(order_no: str = "A-1", **changes: object) -> dict[str, object]:
    buyer = {"name": "李 Jónsdóttir", "email": "li@example.com"}
    return {"orderNo": order_no, "total": 12.5, "buyer": buyer, "createdAt": "2019-03-01T09:00:00+08:00"} | changes


def ask(api: RunningApi, method: str, target: str, body: object = None, **headers: str) -> Reply:
    connection = HTTPConnection("127.0.0.1", api.port, timeout=30)
    sent = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, target, body if isinstance(body, bytes) else json.dumps(body), sent)
        response = connection.getresponse()
        return Reply(response.status, json.loads(response.read()), response.headers["Retry-After"])
    finally:
        connection.close()


def post(api: RunningApi, order_no: str, key: str = "") -> Reply:
    return ask(api, "POST", "/orders", order(order_no), **({"Idempotency_Key": key} if key else {}))


def times_applied(api: RunningApi, order_no: str) -> object:
    data = ask(api, "GET", f"/orders?external={order_no}").body["data"]
    assert isinstance(data, dict)
    return data["total"]


def test_an_order_is_accepted_with_its_new_id_and_found_again(tmp_path: Path) -> None:
    with running_api(folder=tmp_path) as api:
        first, second = post(api, "A-1"), post(api, "A-2")
        found = ask(api, "GET", "/orders?external=A-2")
    assert (first.status, first.body) == (201, {"code": 0, "data": {"id": 1}})
    assert second.order_id == 2
    assert found.body == {"code": 0, "data": {"total": 1, "items": [{"id": 2}]}}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"orderNo": ""}, "orderNo: 1 to 40 characters of text"),
        ({"total": "12.5"}, "total: a number, not negative"),
        ({"total": True}, "total: a number, not negative"),
        ({"total": -1}, "total: a number, not negative"),
        ({"buyer": {"name": " ", "email": "a@b"}}, "buyer.name: text, not empty"),
        ({"buyer": {"name": "A", "email": "ab"}}, "buyer.email: an address with @"),
        ({"buyer": {"name": "A"}}, "buyer: missing: email"),
        ({"buyer": None}, "buyer: an object"),
        ({"createdAt": "2019-03-01 09:00:00"}, "createdAt: date and time with their offset, as in ISO 8601"),
        ({"createdAt": "yesterday"}, "createdAt: date and time with their offset, as in ISO 8601"),
        ({"colour": "red"}, "unknown: colour"),
    ],
)
def test_an_order_that_is_none_is_refused_by_name_of_the_field(
    tmp_path: Path, broken: dict[str, object], message: str
) -> None:
    with running_api(folder=tmp_path) as api:
        reply = ask(api, "POST", "/orders", order() | broken)
        assert (reply.status, reply.body["message"]) == (422, message)
        assert api.applied() == 0


def test_requests_that_blame_the_job_are_told_apart_by_status(tmp_path: Path) -> None:
    with running_api(folder=tmp_path) as api:
        assert ask(api, "POST", "/orders", order(), Authorization="Bearer stolen").status == 401
        assert ask(api, "POST", "/orders", order(), Content_Type="text/plain").status == 415
        assert ask(api, "POST", "/orders", b'{"orderNo": ').status == 400
        assert ask(api, "PUT", "/orders", order()).status == 405
        assert ask(api, "POST", "/order", order()).status == 404
        assert ask(api, "GET", "/orders").status == 400
        assert api.applied() == 0


def test_a_repeated_key_gets_the_first_answer_and_no_second_order(tmp_path: Path) -> None:
    with running_api(folder=tmp_path) as api:
        first, again = post(api, "A-1", key="k1"), post(api, "A-1", key="k1")
        assert (first.status, again.status) == (201, 200)
        assert again.order_id == first.order_id
        assert times_applied(api, "A-1") == 1


def test_a_key_that_comes_back_with_another_body_is_refused(tmp_path: Path) -> None:
    with running_api(folder=tmp_path) as api:
        post(api, "A-1", key="k1")
        reply = post(api, "A-2", key="k1")
        assert (reply.status, reply.body["code"]) == (422, REUSED_KEY)
        assert times_applied(api, "A-2") == 0


def test_an_api_that_ignores_keys_doubles_orders_and_says_so(tmp_path: Path) -> None:
    with running_api("--ignore-keys", folder=tmp_path) as api:
        assert post(api, "A-1", key="k1").order_id != post(api, "A-1", key="k1").order_id
        post(api, "A-2", key="k2")
        stats = ask(api, "GET", "/stats?orders=1").body["data"]
    assert stats == {"requests": 3, "applied": 3, "doubled": 1, "faults": {}, "orders": {"A-1": 2, "A-2": 1}}


def test_orders_and_keys_survive_a_kill(tmp_path: Path) -> None:
    with running_api("--store", "orders.jsonl", folder=tmp_path) as api:
        first = post(api, "A-1", key="k1")
        api.process.kill()
        api.process.wait()
    with running_api("--store", "orders.jsonl", folder=tmp_path) as api:
        assert api.applied() == 1
        assert post(api, "A-1", key="k1").order_id == first.order_id
        assert post(api, "A-2", key="k2").order_id == 2


def test_the_record_holds_the_bodies_as_they_came(tmp_path: Path) -> None:
    body = json.dumps(order("A-1", total=0), indent=1).replace('"total": 0', '"total": 10.50').encode()
    with running_api("--record", "bodies.jsonl", folder=tmp_path) as api:
        assert ask(api, "POST", "/orders", body).status == 201
        assert ask(api, "POST", "/orders", order("A-2", total=-1)).status == 422
        post(api, "A-3")
    lines = (tmp_path / "bodies.jsonl").read_bytes().splitlines()
    assert lines == [body.replace(b"\n", b" "), json.dumps(order("A-3")).encode()]


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_does_to_the_order_what_its_name_says(tmp_path: Path, fault: Fault) -> None:
    order_no = first_order_with(seed=5, faults=[fault])
    with running_api("--faults", "1", "--seed", "5", folder=tmp_path) as api:
        if fault is Fault.LOST_ANSWER:
            with pytest.raises(RemoteDisconnected):
                post(api, order_no)
        else:
            reply = post(api, order_no)
            assert (reply.status, reply.body["code"], reply.retry_after) == {
                Fault.ERROR_BEFORE: (500, 500, None),
                Fault.ERROR_AFTER: (500, 500, None),
                Fault.BUSINESS_ERROR: (200, MOVING_BUYER, None),
                Fault.THROTTLED: (429, 429, "1"),
            }[fault]
        assert times_applied(api, order_no) == (fault in (Fault.ERROR_AFTER, Fault.LOST_ANSWER))
        assert api.stats()["faults"] == {fault.name.lower(): 1}


def test_an_order_that_was_applied_is_never_refused_afterwards(tmp_path: Path) -> None:
    order_no = first_order_with(seed=5, faults=[Fault.ERROR_AFTER, Fault.BUSINESS_ERROR])
    with running_api("--faults", "1", "--seed", "5", folder=tmp_path) as api:
        assert post(api, order_no, key="k1").status == 500
        assert post(api, order_no, key="k1").body == {"code": 0, "data": {"id": 1}}


def test_faults_come_in_the_share_asked_for_and_by_order_not_by_arrival() -> None:
    orders = [f"A-{number}" for number in range(20_000)]
    forwards, backwards, other = (Faults(share=0.02, seed=seed) for seed in (1, 1, 2))
    drawn = {order_no: forwards.draw(order_no) for order_no in orders}
    assert drawn == {order_no: backwards.draw(order_no) for order_no in reversed(orders)}
    assert drawn != {order_no: other.draw(order_no) for order_no in orders}
    assert 300 < sum(fault is not None for fault in drawn.values()) < 500
    assert set(drawn.values()) == {None, *Fault}


def test_no_answer_comes_before_its_latency(tmp_path: Path) -> None:
    with running_api("--latency", "100ms", folder=tmp_path) as api:
        started = time.monotonic()
        assert post(api, "A-1").status == 201
        assert time.monotonic() - started >= 0.1


def test_the_api_ends_with_whoever_started_it(tmp_path: Path) -> None:
    with running_api(folder=tmp_path) as api:
        assert api.process.stdin is not None
        api.process.stdin.close()
        assert api.process.wait(30) == 0


def test_a_signal_ends_the_api_and_it_says_what_it_did(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with running_api(folder=tmp_path) as api:
        post(api, "A-1")
        api.process.send_signal(signal.SIGTERM)
        assert api.process.wait(30) == 0
    assert capfd.readouterr().err == "1 orders applied, 0 of them more than once\n"


def test_an_api_that_cannot_start_says_so_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="before it listened"), running_api("--faults", "many", folder=tmp_path):
        pass
    assert "--faults" in capfd.readouterr().err


def test_a_port_that_is_taken_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with running_api("--quiet", folder=tmp_path) as first:
        port = str(first.port)
        with pytest.raises(RuntimeError, match="ended with 2"), running_api("--port", port, folder=tmp_path):
            pass
    assert capfd.readouterr().err == (
        f"there is no API: port {port} is taken; end what listens there, or give another --port\n"
    )


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="ended with 2"), running_api("--record", "no/such.jsonl", folder=tmp_path):
        pass
    assert capfd.readouterr().err == (
        "there is no API: [Errno 2] No such file or directory: 'no/such.jsonl'; give a --port and files that may be used\n"
    )


def first_order_with(*, seed: int, faults: list[Fault]) -> str:
    """The first order whose requests meet these faults, one after the other."""
    for number in range(10_000):
        order_no = f"A-{number}"
        draws = Faults(share=1, seed=seed)
        if [draws.draw(order_no) for _ in faults] == faults:
            return order_no
    raise AssertionError(f"no order meets {faults}")


def test_a_store_that_holds_something_else_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "orders.jsonl").write_text("no order\n")
    with pytest.raises(RuntimeError, match="ended with 2"), running_api("--store", "orders.jsonl", folder=tmp_path):
        pass
    told = capfd.readouterr().err
    assert told.startswith("there is no API: line 1 of orders.jsonl is no order that this API has kept: ")
    assert told.count("\n") == 1
