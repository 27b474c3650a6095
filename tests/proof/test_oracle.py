"""The oracle does what it wrote down, and wrote it down before."""

from __future__ import annotations

import hashlib
import os
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.links.namespace import Namespace, inside
from tests.links.process import LinkProcess
from tests.proof.modes import PLANS, Mix, Mode
from tests.proof.processes import Oracle
from tests.proof.record import Line, read_log, sends

REQUEST = b'POST /rows/%s HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k-%s\r\nContent-Length: 9\r\n\r\n{"id": 1}'


@contextmanager
def oracle(folder: Path, *arguments: str) -> Iterator[Oracle]:
    made = Oracle(folder / "log.jsonl", *arguments)
    try:
        yield made
    finally:
        made.close()


def ask(api: Oracle, content: bytes) -> bytes:
    """Everything that comes back until the oracle closes, or has nothing more to say."""
    with socket.create_connection(("127.0.0.1", api.port), 10) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def request(row: str) -> bytes:
    return REQUEST % (row.encode(), row.encode())


def arrivals(api: Oracle) -> list[Line]:
    api.tell(quiet=True)
    return sends(read_log(api.log))


@pytest.mark.parametrize("mode", Mode)
def test_each_mode_does_what_its_plan_says(tmp_path: Path, mode: Mode) -> None:
    with oracle(tmp_path, "--mix", mode) as api:
        answer = ask(api, request("7"))
        [line] = arrivals(api)
    plan = PLANS[mode]
    whole = b'"}' in answer[-2:]
    assert (line.row, line.key, line.mode) == ("7", "k-7", mode)
    assert line.body == hashlib.sha256(b'{"id": 1}').hexdigest()
    assert line.applied is plan.applies
    assert answer[9:12] == (b"" if plan.status is None else str(plan.status).encode())
    assert whole is (plan.status is not None and plan.whole)
    assert (b"STRAY" in answer) is (mode is Mode.STRAY)
    assert (line.receipt or "-").encode() in answer or not plan.proves_acceptance


def test_one_connection_carries_many_requests_and_each_is_answered_for_itself(tmp_path: Path) -> None:
    with oracle(tmp_path) as api:
        answer = ask(api, request("1") + request("2"))
        assert [line.receipt for line in arrivals(api)] == ["R-1-1", "R-2-3"]
    assert answer.index(b"R-1-1") < answer.index(b"R-2-3")


def test_what_is_asked_is_in_the_log_before_its_answer_is(tmp_path: Path) -> None:
    with oracle(tmp_path, "--mix", "slow", "--slow", "60") as api:
        with socket.create_connection(("127.0.0.1", api.port), 10) as connection:
            connection.sendall(request("1"))
            while not (lines := read_log(api.log)):
                os.sched_yield()
        assert [(line.phase, line.applied) for line in lines] == [("arrived", True)]
        api.kill()


def test_half_a_request_is_noted_with_its_row(tmp_path: Path) -> None:
    with oracle(tmp_path) as api:
        assert ask(api, request("7")[:-3]) == b""
        [line] = arrivals(api)
    assert (line.phase, line.row, line.applied, line.plan.proves_refusal) == ("broken", "7", False, False)


def test_it_is_quiet_once_whoever_is_connected_has_gone_and_not_before(tmp_path: Path) -> None:
    with oracle(tmp_path) as api, ThreadPoolExecutor() as threads:
        with socket.create_connection(("127.0.0.1", api.port), 10) as connection:
            seen = threads.submit(arrivals, api)
            for row in range(500):
                connection.sendall(request(str(row)))
                assert connection.recv(1000)
        assert len(seen.result()) == 500


def test_who_ends_while_its_network_is_parted_is_no_longer_there_once_its_link_is_torn(tmp_path: Path) -> None:
    """Its reset is told once, to nobody: for all others it would be connected for ever."""
    namespace = Namespace()
    with oracle(tmp_path) as api:
        link = LinkProcess(api.port, namespaces=[namespace])
        connection = inside(namespace.path, lambda: socket.create_connection(("127.0.0.1", link.port), 10))
        with connection:
            connection.sendall(request("1"))
            assert connection.recv(1000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            namespace.part()
        namespace.heal()
        link.tear()
        assert [line.row for line in arrivals(api)] == ["1"]
        link.close()
        namespace.close()


def test_an_honest_api_answers_the_second_request_of_a_key_as_the_first_and_applies_nothing(tmp_path: Path) -> None:
    with oracle(tmp_path, "--mix", "lose", "--honours-keys") as api:
        assert ask(api, request("1")) == b""
        assert b"R-1-1" in ask(api, request("1"))
        first, second = arrivals(api)
    assert (first.applied, second.applied, second.replayed, second.receipt) == (True, False, True, "R-1-1")


def test_a_restarted_oracle_goes_on_where_its_log_ends(tmp_path: Path) -> None:
    with oracle(tmp_path, "--honours-keys") as api:
        ask(api, request("1"))
        api.kill()
    with oracle(tmp_path, "--honours-keys") as api:
        ask(api, request("1"))
        ask(api, request("2"))
        assert [(line.seq, line.applied) for line in arrivals(api)] == [(1, True), (3, False), (5, True)]


def test_its_modes_change_while_it_serves(tmp_path: Path) -> None:
    with oracle(tmp_path, "--mix", "refuse") as api:
        ask(api, request("1"))
        api.tell(mix="accept=1")
        ask(api, request("1"))
        assert [line.mode for line in arrivals(api)] == [Mode.REFUSE, Mode.ACCEPT]


def test_who_does_not_bring_the_token_is_noted(tmp_path: Path) -> None:
    with oracle(tmp_path, "--token", "secret") as api:
        ask(api, request("1"))
        ask(api, request("2").replace(b"Host: x", b"Authorization: Bearer secret"))
        assert [line.authorized for line in arrivals(api)] == [False, True]


def test_a_mix_draws_the_same_for_the_same_seed_and_each_mode_about_as_often_as_it_says() -> None:
    mix = Mix.parse("accept=3,lose=1", seed=5)
    drawn = [mix.draw(str(row), 1) for row in range(1000)]
    assert drawn == [Mix.parse("accept=3,lose=1", seed=5).draw(str(row), 1) for row in range(1000)]
    assert drawn != [Mix.parse("accept=3,lose=1", seed=6).draw(str(row), 1) for row in range(1000)]
    assert 200 < drawn.count(Mode.LOSE) < 300


@pytest.mark.parametrize("text", ["", "sometimes=1", "accept=0"])
def test_a_mix_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"nothing to draw|not a valid Mode"):
        Mix.parse(text, seed=1)
