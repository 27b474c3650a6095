"""An API to which packets vanish on their way, and one that wants to be asked before it is sent a body."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from penstock.target.base import Answer, NoAnswer
from penstock.target.wire import TargetAddress

if TYPE_CHECKING:
    from tests.target.conftest import MakeSender, Peer, StartApi

REQUEST = b"POST /orders HTTP/1.1\r\nHost: api.test\r\nContent-Length: 200000\r\n\r\n" + b"0" * 200_000
_SO_ATTACH_FILTER = 26
_KEEP_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)  # one instruction: return 0, so many bytes of a packet are kept


@contextmanager
def black_hole() -> Iterator[TargetAddress]:
    """An address whose every packet the kernel throws away, the first one of a connection too."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = ctypes.create_string_buffer(_KEEP_NOTHING)
        filtering = struct.pack("HL", 1, ctypes.addressof(program))
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filtering)
        yield TargetAddress("127.0.0.1", listener.getsockname()[1], False, "api.test")


async def test_h3_an_address_where_packets_vanish_is_given_up_at_the_connect_timeout(make_sender: MakeSender) -> None:
    with black_hole() as address:
        outcome = await make_sender(address, connect_timeout=0.1).send(REQUEST)
    assert outcome == NoAnswer(sent=False, reason=f"no connection to 127.0.0.1:{address.port} within 0.1 s")


async def test_h21_a_body_is_sent_without_asking_and_a_417_is_an_answer(
    start_api: StartApi, make_sender: MakeSender
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.write(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")

    api = await start_api(script)
    answer = await make_sender(api).send(REQUEST)
    assert isinstance(answer, Answer)
    assert answer.status == 417
    assert api.requests == [REQUEST]
