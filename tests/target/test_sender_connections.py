"""When connections are used again, dropped and opened, and what is known of a request that got no answer."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from tests.target.conftest import within

from penstock.target.base import Answer, NoAnswer
from penstock.target.connection import MAX_IDLE, idle_limit
from penstock.target.wire import TargetAddress

if TYPE_CHECKING:
    from tests.target.conftest import MakeSender, Peer, StartApi

REQUEST = b"POST /orders HTTP/1.1\r\nHost: api.test\r\nContent-Length: 2\r\n\r\n{}"
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"id":1}'
OK_WITHOUT_REUSE = OK.replace(b"OK\r\n", b"OK\r\nKeep-Alive: timeout=0\r\n", 1)
STRAY = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"id":"no"}'
LARGE = b"POST /orders HTTP/1.1\r\nHost: api.test\r\nContent-Length: 40000000\r\n\r\n" + b"0" * 40_000_000


@pytest.mark.parametrize("stray", [STRAY, b"H", b"x", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_h13_bytes_behind_an_answer_are_never_the_next_rows_answer(
    start_api: StartApi, make_sender: MakeSender, stray: bytes
) -> None:
    api = await start_api(OK + stray)
    sender = make_sender(api)
    for _ in range(5):
        answer = await sender.send(REQUEST)
        assert isinstance(answer, Answer)
        assert answer.body == b'{"id":1}'
    assert api.connections == 5


async def test_h14_bytes_on_an_idle_connection_are_never_the_next_rows_answer(
    start_api: StartApi, make_sender: MakeSender
) -> None:
    """The loop sees the bytes and drops the connection before anybody asks for one."""
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        if len(api.requests) % 2:
            await peer.request()
            await peer.write(OK)
            await peer.until_closed()
            return
        await peer.request()
        await peer.write(OK)
        await idle.wait()
        await peer.write(STRAY)
        assert await peer.until_closed() == b""
        closed.set()

    idle = asyncio.Event()
    api = await start_api(script)
    sender = make_sender(api)
    await sender.send(REQUEST)
    idle.set()
    await within(5, closed)
    answer = await sender.send(REQUEST)
    assert isinstance(answer, Answer)
    assert answer.body == b'{"id":1}'
    assert api.connections == 2


@pytest.mark.parametrize(
    ("behind", "later", "connections"),
    [
        (STRAY, b"", 4),
        (b"x", b"", 4),
        (b"", STRAY, 4),
        (b"", b"x", 4),
        (b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n", 2),
        (b"", b"\r\n", 2),
    ],
)
async def test_h13_h14_h15_a_server_that_has_once_answered_twice_has_a_connection_for_each_request(
    start_api: StartApi, make_sender: MakeSender, behind: bytes, later: bytes, connections: int
) -> None:
    """The second answer may come late, when the next request is on its way: then nothing tells it from the answer to that."""
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        if api.connections == 1:
            await peer.request()
            await peer.write(OK + behind)
            await idle.wait()
            await peer.write(later)
            await peer.until_closed()
            closed.set()
            return
        while await peer.request():
            await peer.write(OK)

    idle = asyncio.Event()
    api = await start_api(script)
    sender = make_sender(api)
    await sender.send(REQUEST)
    idle.set()
    await within(5, closed)
    for _ in range(3):
        assert isinstance(await sender.send(REQUEST), Answer)
    assert api.connections == connections


class ThreadlessPeer:
    """A server without an event loop: what it writes is in the kernel before the sender's loop can have looked."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = TargetAddress("127.0.0.1", self._listener.getsockname()[1], False, "api.test")
        self._ends: list[socket.socket] = []

    async def accept(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        self._listener.setblocking(False)
        async with asyncio.timeout(5):
            end, _ = await loop.sock_accept(self._listener)
        self._ends.append(end)
        return end

    async def answer(self, end: socket.socket) -> None:
        """Read a request and answer it."""
        loop = asyncio.get_running_loop()
        end.setblocking(False)
        received = b""
        while not received.endswith(b"{}"):
            received += await loop.sock_recv(end, 1000)
        await loop.sock_sendall(end, OK)

    async def rest(self, end: socket.socket) -> bytes:
        """What else the client has sent before it closed. (It resets where it left bytes unread.)"""
        try:
            return await asyncio.get_running_loop().sock_recv(end, 1000)
        except ConnectionResetError:
            return b""

    def close(self) -> None:
        for end in [self._listener, *self._ends]:
            end.close()


@pytest.fixture
async def peer() -> AsyncIterator[ThreadlessPeer]:
    peer = ThreadlessPeer()
    yield peer
    peer.close()


@pytest.mark.parametrize("unasked", [STRAY, b"", b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"])
async def test_h12_h14_the_kernel_is_asked_before_a_connection_is_used_again(
    peer: ThreadlessPeer, make_sender: MakeSender, unasked: bytes
) -> None:
    """A stray answer or an end that the loop has not seen yet: nothing is sent on that connection, another one is opened."""
    sender = make_sender(peer.address)
    first = asyncio.ensure_future(sender.send(REQUEST))
    end = await peer.accept()
    await peer.answer(end)
    assert isinstance(await first, Answer)
    if unasked:
        end.send(unasked)
    else:
        end.shutdown(socket.SHUT_WR)
    second = asyncio.ensure_future(sender.send(REQUEST))  # no turn of the loop lies between
    other = await peer.accept()
    await peer.answer(other)
    answer = await second
    assert isinstance(answer, Answer)
    assert answer.body == b'{"id":1}'
    assert await peer.rest(end) == b""


async def test_h12_closing_idle_connections_at_once_never_loses_or_doubles_a_request(
    start_api: StartApi, make_sender: MakeSender
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.write(OK)
        await peer.close()

    api = await start_api(script)
    sender = make_sender(api)
    outcomes = [await sender.send(REQUEST) for _ in range(300)]
    assert sum(isinstance(outcome, Answer) or outcome.sent for outcome in outcomes) == 300
    assert len(api.requests) <= 300
    assert len(api.requests) >= sum(isinstance(outcome, Answer) for outcome in outcomes)


@pytest.mark.parametrize(
    ("hint", "seconds"),
    [
        ("", MAX_IDLE),
        ("timeout=5", 2.5),
        ("timeout=5, max=100", 2.5),
        ("max=99, Timeout=1", 0.5),
        ("timeout=75", MAX_IDLE),
        ("timeout=0", 0),
        ("whatever", MAX_IDLE),
        ("timeout=99999999999999", MAX_IDLE),
    ],
)
def test_idle_connections_are_used_again_within_half_of_what_the_server_grants(hint: str, seconds: float) -> None:
    assert idle_limit(hint) == seconds


async def test_a_connection_beyond_the_servers_hint_is_closed_and_not_used_again(
    start_api: StartApi, make_sender: MakeSender
) -> None:
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.write(OK_WITHOUT_REUSE)
        await peer.until_closed()
        closed.set()

    api = await start_api(script)
    sender = make_sender(api)
    for _ in range(3):
        assert isinstance(await sender.send(REQUEST), Answer)
    assert api.connections == 3
    await within(5, closed)


async def test_connections_that_nobody_needs_any_more_are_closed(start_api: StartApi, make_sender: MakeSender) -> None:
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        if api.connections == 1:
            await peer.request()
            await peer.write(OK_WITHOUT_REUSE)
            await peer.until_closed()
            closed.set()
        while await peer.request():
            await peer.write(OK)

    api = await start_api(script)
    sender = make_sender(api)
    first, second = asyncio.ensure_future(sender.send(REQUEST)), asyncio.ensure_future(sender.send(REQUEST))
    assert isinstance(await first, Answer)
    assert isinstance(await second, Answer)
    grown_old = loop.time()
    while loop.time() < grown_old + 0.005:
        assert isinstance(await sender.send(REQUEST), Answer)
    await within(5, closed)
    assert api.connections == 2


async def test_h11_a_close_without_an_answer_is_sent_once(start_api: StartApi, make_sender: MakeSender) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.write(OK)
        await peer.request()
        await peer.close()

    api = await start_api(script)
    sender = make_sender(api)
    assert isinstance(await sender.send(REQUEST), Answer)
    assert await sender.send(REQUEST) == NoAnswer(sent=True, reason="closed without an answer")
    assert len(api.requests) == 2


async def test_h09_a_reset_while_the_body_is_written_is_sent(start_api: StartApi, make_sender: MakeSender) -> None:
    async def script(peer: Peer) -> None:
        await peer.read(1000)
        peer.reset()

    outcome = await make_sender(await start_api(script)).send(LARGE)
    assert outcome == NoAnswer(sent=True, reason="the connection broke before an answer")


async def test_h10_no_answer_within_the_total_time(start_api: StartApi, make_sender: MakeSender) -> None:
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.until_closed()
        closed.set()

    api = await start_api(script)
    outcome = await make_sender(api, total_timeout=0.05).send(REQUEST)
    assert outcome == NoAnswer(sent=True, reason="no answer within 0.05 s")
    await within(5, closed)
    assert len(api.requests) == 1


async def test_h08_a_peer_that_stops_reading(start_api: StartApi, make_sender: MakeSender) -> None:
    async def script(peer: Peer) -> None:
        await peer.read(1000)
        await asyncio.Event().wait()

    outcome = await make_sender(await start_api(script), total_timeout=0.1).send(LARGE)
    assert outcome == NoAnswer(sent=True, reason="the request was not taken within 0.1 s")


async def test_h29_a_slow_answer_does_not_move_the_deadline(start_api: StartApi, make_sender: MakeSender) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        ended = asyncio.ensure_future(peer.until_closed())
        while not ended.done():
            await peer.write(b"0")
            await asyncio.wait([ended], timeout=0.005)

    sender = make_sender(await start_api(script), total_timeout=0.1)
    async with asyncio.timeout(5):
        outcome = await sender.send(REQUEST)
    assert outcome == NoAnswer(sent=True, reason="no answer within 0.1 s")


async def test_h7_every_request_has_a_deadline_of_its_own(start_api: StartApi, make_sender: MakeSender) -> None:
    async def script(peer: Peer) -> None:
        while request := await peer.request():
            if request.endswith(b"ok"):
                await peer.write(OK)

    api = await start_api(script)
    sender = make_sender(api, total_timeout=0.2)
    silent, good = REQUEST[:-2] + b"no", REQUEST[:-2] + b"ok"
    loop = asyncio.get_running_loop()
    began = loop.time()
    waiting = [asyncio.ensure_future(sender.send(silent))]
    while loop.time() < began + 0.1:
        assert isinstance(await sender.send(good), Answer)
    waiting.append(asyncio.ensure_future(sender.send(silent)))
    ends = []
    for send in waiting:
        assert await send == NoAnswer(sent=True, reason="no answer within 0.2 s")
        ends.append(loop.time() - began)
    assert ends[0] == pytest.approx(0.2, abs=0.08)
    assert ends[1] == pytest.approx(0.3, abs=0.08)
    assert ends[1] > ends[0]


async def test_h42_an_early_refusal_keeps_its_status(start_api: StartApi, make_sender: MakeSender) -> None:
    async def script(peer: Peer) -> None:
        await peer.read(1000)
        await peer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 7\r\n\r\ntoo big")
        await peer.until_closed()

    api = await start_api(script)
    sender = make_sender(api)
    for _ in range(2):
        answer = await sender.send(LARGE)
        assert isinstance(answer, Answer)
        assert (answer.status, answer.body) == (413, b"too big")
    assert api.connections == 2  # half a request lies on the first


async def test_an_early_yes_to_half_a_request_is_not_believed(start_api: StartApi, make_sender: MakeSender) -> None:
    async def script(peer: Peer) -> None:
        await peer.read(1000)
        await peer.write(OK)
        await peer.until_closed()

    outcome = await make_sender(await start_api(script)).send(LARGE)
    assert outcome == NoAnswer(sent=True, reason="answered 200 before the whole request was written")


async def test_a_large_request_arrives_whole(start_api: StartApi, make_sender: MakeSender) -> None:
    api = await start_api(OK)
    sender = make_sender(api)
    for _ in range(2):
        assert isinstance(await sender.send(LARGE), Answer)
    assert api.requests == [LARGE, LARGE]
    assert api.connections == 1


async def test_a_cancelled_send_gives_its_connection_up(start_api: StartApi, make_sender: MakeSender) -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.until_closed()
        closed.set()

    api = await start_api(script)
    sender = make_sender(api)
    sending = asyncio.ensure_future(sender.send(REQUEST))
    await within(5, asked)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await within(5, closed)


async def test_h58_a_thousand_cancelled_sends_leave_a_working_pool(
    start_api: StartApi, make_sender: MakeSender
) -> None:
    api = await start_api(OK)
    sender = make_sender(api)
    for round_ in range(50):
        sends = [asyncio.ensure_future(sender.send(REQUEST)) for _ in range(20)]
        for _ in range(round_ % 7):
            await asyncio.sleep(0)
        for send in sends[::2]:
            send.cancel()
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
        assert all(isinstance(outcome, Answer) for outcome in outcomes[1::2])
    answer = await sender.send(REQUEST)
    assert isinstance(answer, Answer)


async def test_closing_ends_what_is_under_way_and_refuses_what_comes(
    start_api: StartApi, make_sender: MakeSender
) -> None:
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.until_closed()

    sender = make_sender(await start_api(script))
    sending = asyncio.ensure_future(sender.send(REQUEST))
    await within(5, asked)
    await sender.aclose()
    assert await sending == NoAnswer(sent=True, reason="given up before an answer came")
    assert await sender.send(REQUEST) == NoAnswer(sent=False, reason="the sender is closed")


async def test_the_target_can_be_reached_without_sending_anything(start_api: StartApi, make_sender: MakeSender) -> None:
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        assert await peer.until_closed() == b""
        closed.set()

    api = await start_api(script)
    assert await make_sender(api).connect() is None
    await within(5, closed)
    await api.stop()
    assert await make_sender(api).connect() == f"connection refused by 127.0.0.1:{api.address.port}"


async def test_h02_a_refused_connection_has_sent_nothing(make_sender: MakeSender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = await make_sender(TargetAddress("127.0.0.1", port, False, "api.test")).send(REQUEST)
    assert outcome == NoAnswer(sent=False, reason=f"connection refused by 127.0.0.1:{port}")


async def test_h01_a_host_that_does_not_resolve_has_been_sent_nothing(make_sender: MakeSender) -> None:
    outcome = await make_sender(TargetAddress("nowhere.invalid", 80, False, "nowhere.invalid")).send(REQUEST)
    assert isinstance(outcome, NoAnswer)
    assert not outcome.sent
    assert outcome.reason.startswith("cannot resolve nowhere.invalid: ")


async def test_h04_a_full_accept_queue_ends_at_the_connect_timeout(make_sender: MakeSender) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        sender = make_sender(TargetAddress("127.0.0.1", port, False, "api.test"), connect_timeout=0.1)
        outcome = await sender.send(REQUEST)
        for filler in fillers:
            filler.close()
    assert outcome == NoAnswer(sent=False, reason=f"no connection to 127.0.0.1:{port} within 0.1 s")


async def test_the_total_time_bounds_connecting_too(make_sender: MakeSender) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        sender = make_sender(TargetAddress("127.0.0.1", port, False, "api.test"), connect_timeout=5, total_timeout=0.1)
        outcome = await sender.send(REQUEST)
        for filler in fillers:
            filler.close()
    assert isinstance(outcome, NoAnswer)
    assert re.search(r"within 0\.(1|0\d+) s$", outcome.reason)  # less what had passed already


async def test_h57_proxies_of_the_environment_are_not_used(
    start_api: StartApi, make_sender: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await start_api(OK)
    api = await start_api(OK)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.address.port}")
    assert isinstance(await make_sender(api).send(REQUEST), Answer)
    assert (proxy.connections, api.connections) == (0, 1)


async def test_h34_h35_redirects_are_not_followed(start_api: StartApi, make_sender: MakeSender) -> None:
    other = await start_api(OK)
    location = f"Location: http://127.0.0.1:{other.address.port}/\r\n".encode()
    for status in (b"301", b"302", b"303", b"307", b"308"):
        api = await start_api(b"HTTP/1.1 " + status + b" Moved\r\n" + location + b"Content-Length: 0\r\n\r\n")
        answer = await make_sender(api).send(REQUEST)
        assert isinstance(answer, Answer)
        assert answer.status == int(status)
    assert other.connections == 0
