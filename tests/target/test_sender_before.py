"""What is written down before requests go out: once for all that start together, and before the first byte."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from penstock.target.base import Answer, Outcome
from penstock.target.wire import TargetAddress

if TYPE_CHECKING:
    from tests.target.conftest import MakeSender, StartApi

REQUEST = b"POST /orders HTTP/1.1\r\nHost: api.test\r\nContent-Length: 2\r\n\r\n{}"
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"id":1}'


async def test_what_is_to_be_done_before_is_done_once_for_all_requests_that_start_together(
    start_api: StartApi, make_sender: MakeSender
) -> None:
    api = await start_api(OK)
    done: list[int] = []
    sender = make_sender(api, before=lambda: done.append(len(api.requests)))
    for _ in range(2):
        coming: list[asyncio.Future[Outcome]] = [asyncio.get_running_loop().create_future() for _ in range(3)]
        sender.start([(REQUEST, outcome.set_result) for outcome in coming])
        assert not any(outcome.done() for outcome in coming)
        assert all(isinstance(outcome, Answer) for outcome in await asyncio.gather(*coming))
    assert (done, len(api.requests), api.connections) == ([0, 3], 6, 3)


async def test_no_byte_leaves_before_it_is_done(make_sender: MakeSender) -> None:
    loop = asyncio.get_running_loop()
    seen: list[bytes] = []
    peers: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        sender = make_sender(
            TargetAddress("127.0.0.1", server.getsockname()[1], False, "api.test"),
            before=lambda: seen.extend(map(peek, peers)),
        )
        sending = asyncio.create_task(sender.send(REQUEST))
        peer, _ = await loop.sock_accept(server)
        with peer:
            for _ in range(2):
                assert await loop.sock_recv(peer, len(REQUEST)) == REQUEST
                await loop.sock_sendall(peer, OK)
                assert isinstance(await sending, Answer)
                peers[:] = [peer]
                sending = asyncio.create_task(sender.send(REQUEST))
            await loop.sock_recv(peer, len(REQUEST))
            await loop.sock_sendall(peer, OK)
            await sending
    assert seen == [b"", b""]


def peek(peer: socket.socket) -> bytes:
    """What has come and was not taken. (Between two sockets of one machine, what is written is there.)"""
    try:
        return peer.recv(1000, socket.MSG_PEEK)
    except BlockingIOError:
        return b""
