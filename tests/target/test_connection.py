"""What the sender relies on in a single connection, at moments that only a close look can bring about."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest

from penstock.target.base import Answer, NoAnswer, Outcome
from penstock.target.connection import Connection
from penstock.target.heads import KnownHeads
from penstock.target.opening import Opener
from penstock.target.wire import TargetAddress

if TYPE_CHECKING:
    from tests.target.conftest import MakeSender, Peer, StartApi

REQUEST = b"POST /orders HTTP/1.1\r\nHost: api.test\r\nContent-Length: 2\r\n\r\n{}"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LATER = 1e12

Join = Callable[[Callable[[Connection], None]], "asyncio.Future[tuple[Connection, socket.socket]]"]


@pytest.fixture
async def join() -> AsyncIterator[Join]:
    """A connection and the server's end of it, with the smallest buffers there are in between."""
    ends: list[socket.socket] = []
    connections: list[Connection] = []
    loop = asyncio.get_running_loop()

    async def joined(on_idle: Callable[[Connection], None]) -> tuple[Connection, socket.socket]:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
            client.connect(listener.getsockname())
            server, _ = listener.accept()
        client.setblocking(False)
        server.setblocking(False)
        _, connection = await loop.create_connection(lambda: Connection(loop, on_idle, KnownHeads()), sock=client)
        ends.append(server)
        connections.append(connection)
        return connection, server

    yield lambda on_idle: asyncio.ensure_future(joined(on_idle))
    for connection in connections:
        connection.abort()
        await connection.lost
    for end in ends:
        end.close()


def ask(connection: Connection, request: bytes) -> asyncio.Future[Outcome]:
    awaited: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    connection.request(request, LATER, awaited.set_result)
    return awaited


async def test_a_connection_carries_the_next_request_once_the_answer_is_told(join: Join) -> None:
    came_back: list[Connection] = []
    connection, server = await join(came_back.append)
    loop = asyncio.get_running_loop()
    second: asyncio.Future[Outcome] = loop.create_future()

    def ask_again(outcome: Outcome) -> None:
        assert isinstance(outcome, Answer)
        assert came_back == [connection]
        assert connection.may_be_used_again(0.0)
        connection.request(REQUEST, LATER, second.set_result)

    connection.request(REQUEST, LATER, ask_again)
    for _ in range(2):
        assert await loop.sock_recv(server, len(REQUEST)) == REQUEST
        await loop.sock_sendall(server, OK)
    assert await second == Answer(200, [("content-length", "2")], b"ok")


async def test_a_few_bytes_that_the_kernel_has_not_taken_make_a_request_unfinished(join: Join) -> None:
    connection, server = await join(lambda _: None)
    small = b"POST / HTTP/1.1\r\nContent-Length: 30000\r\n\r\n" + bytes(30_000)
    awaited = ask(connection, small)
    await asyncio.get_running_loop().sock_sendall(server, OK)
    assert await awaited == NoAnswer(sent=True, reason="answered 200 before the whole request was written")


async def test_a_cancelled_send_leaves_a_connection_alone_that_already_serves_another(
    start_api: StartApi, make_sender: MakeSender
) -> None:
    """Its answer had come, but its task had not run yet: the two sends are stepped by hand."""
    api = await start_api(OK)
    sender = make_sender(api)
    await sender.send(REQUEST)
    first = sender.send(REQUEST)
    first_awaited = first.send(None)
    await asyncio.wait([first_awaited], timeout=5)
    second = sender.send(REQUEST)
    second_awaited = second.send(None)
    with pytest.raises(asyncio.CancelledError):
        first.throw(asyncio.CancelledError())
    await asyncio.wait([second_awaited], timeout=5)
    with pytest.raises(StopIteration) as returned:
        second.send(None)
    assert isinstance(returned.value.value, Answer)
    assert api.connections == 1


async def test_nothing_of_a_send_is_kept(start_api: StartApi, make_sender: MakeSender) -> None:
    def answers_in_memory() -> int:
        return sum(isinstance(kept, Answer) for kept in gc.get_objects())

    sender = make_sender(await start_api(OK))
    before = answers_in_memory()
    for _ in range(300):
        await sender.send(REQUEST)
    assert answers_in_memory() - before < 10


def opener(port: int, addresses: list[str], timeout: float) -> Opener:
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    loop = asyncio.get_running_loop()
    address = TargetAddress("api.test", port, False, "api.test")
    return Opener(
        address, tls=None, timeout=timeout, make=lambda: Connection(loop, lambda _: None, KnownHeads()), resolve=resolve
    )


async def test_an_address_that_refuses_does_not_hide_the_next(start_api: StartApi) -> None:
    api = await start_api(OK)
    opened = await opener(api.address.port, ["127.0.0.2", "127.0.0.1"], 5).open(LATER)
    assert isinstance(opened, Connection)
    opened.abort()
    await opened.lost


async def test_an_address_that_is_silent_does_not_hide_the_next(start_api: StartApi) -> None:
    api = await start_api(OK)
    with socket.socket() as silent:
        silent.bind(("127.0.0.2", api.address.port))
        silent.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(silent.getsockname())
        opened = await opener(api.address.port, ["127.0.0.2", "127.0.0.1"], 0.4).open(LATER)
        for filler in fillers:
            filler.close()
    assert isinstance(opened, Connection)
    opened.abort()
    await opened.lost


async def test_giving_up_at_any_moment_of_opening_leaves_no_connection_behind(start_api: StartApi) -> None:
    """Cancelled one turn of the loop later each time, until opening is through before that."""
    closed: asyncio.Queue[None] = asyncio.Queue()

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.write(OK)
        closed.put_nowait(None)

    api = await start_api(script)
    turns = 0
    while True:
        opening = asyncio.ensure_future(opener(api.address.port, ["127.0.0.1"], 5).open(LATER))
        for _ in range(turns):
            await asyncio.sleep(0)
        if opening.done():
            break
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        turns += 1
    assert turns > 2
    opened = opening.result()
    assert isinstance(opened, Connection)
    assert isinstance(await ask(opened, REQUEST), Answer)  # so the server has met all that came before
    opened.abort()
    await opened.lost
    async with asyncio.timeout(5):
        for _ in range(api.connections):
            await closed.get()


def certificate_required() -> ssl.SSLError:
    error = ssl.SSLError(1, "alert")
    error.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    return error


async def test_a_refused_handshake_is_told_even_if_nothing_was_asked_yet() -> None:
    connection = Connection(asyncio.get_running_loop(), lambda _: None, KnownHeads())
    connection.connection_lost(certificate_required())
    assert (await connection.lost).startswith("the server refused the TLS handshake: it requires a client certificate")


async def test_no_alert_undoes_that_a_connection_has_carried_a_request(join: Join) -> None:
    connection, server = await join(lambda _: None)
    loop = asyncio.get_running_loop()
    awaited = ask(connection, REQUEST)
    await loop.sock_sendall(server, OK)
    await awaited
    awaited = ask(connection, REQUEST)
    connection.connection_lost(certificate_required())
    assert await awaited == NoAnswer(sent=True, reason="the connection broke before an answer")
    connection.lost = loop.create_future()  # the real end is still to come


async def test_the_last_address_tells_why_there_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = await opener(port, ["127.0.0.2", "127.0.0.1"], 5).open(LATER)
    assert outcome == NoAnswer(sent=False, reason=f"connection refused by api.test:{port}")
