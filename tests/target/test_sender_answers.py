"""What comes back over the wire: whole answers, and everything that only looks like one."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

import pytest

from penstock.target.base import Answer, NoAnswer

if TYPE_CHECKING:
    from tests.target.conftest import MakeSender, Peer, StartApi

REQUEST = b"POST /orders HTTP/1.1\r\nHost: api.test\r\nContent-Length: 2\r\n\r\n{}"
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"id":1}'


def chunked(*chunks: bytes) -> bytes:
    sized = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b"")]
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(sized)


async def test_h22_an_ordinary_answer_is_returned_whole(start_api: StartApi, make_sender: MakeSender) -> None:
    api = await start_api(OK)
    answer = await make_sender(api).send(REQUEST)
    assert answer == Answer(200, [("content-type", "application/json"), ("content-length", "8")], b'{"id":1}')
    assert api.requests == [REQUEST]


async def test_one_connection_carries_one_request_after_the_other(start_api: StartApi, make_sender: MakeSender) -> None:
    api = await start_api(OK)
    sender = make_sender(api)
    for _ in range(5):
        assert isinstance(await sender.send(REQUEST), Answer)
    assert api.connections == 1
    assert len(api.requests) == 5


async def test_requests_at_the_same_time_take_connections_of_their_own(
    start_api: StartApi, make_sender: MakeSender
) -> None:
    async def echo(peer: Peer) -> None:
        while request := await peer.request():
            body = request[-2:]
            await peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    api = await start_api(echo)
    sender = make_sender(api)
    for _ in range(10):
        answers = await asyncio.gather(*(sender.send(REQUEST[:-2] + b"%02d" % number) for number in range(20)))
        assert [answer.body for answer in answers if isinstance(answer, Answer)] == [b"%02d" % n for n in range(20)]
    assert api.connections == 20


@pytest.mark.parametrize(
    ("sent", "status", "body"),
    [
        (chunked(b'{"id"', b":1}"), 200, b'{"id":1}'),
        (chunked(), 200, b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 201\r\nContent-Length: 0\r\n\r\n", 201, b""),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", 999, b""),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", 302, b""),
    ],
)
async def test_framings_that_keep_the_connection(
    start_api: StartApi, make_sender: MakeSender, sent: bytes, status: int, body: bytes
) -> None:
    api = await start_api(sent)
    sender = make_sender(api)
    for _ in range(3):
        answer = await sender.send(REQUEST)
        assert isinstance(answer, Answer)
        assert (answer.status, answer.body, answer.delimited) == (status, body, True)
    assert api.connections == 1


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
    ],
)
async def test_h20_interim_answers_are_not_final(start_api: StartApi, make_sender: MakeSender, interim: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.write(interim)
        await peer.write(OK)
        await peer.until_closed()

    api = await start_api(script)
    answer = await make_sender(api).send(REQUEST)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b'{"id":1}')
    assert dict(answer.headers) == {"content-type": "application/json", "content-length": "8"}


async def test_h19_an_http_1_0_server_gets_a_new_connection_each_time(
    start_api: StartApi, make_sender: MakeSender
) -> None:
    api = await start_api(OK.replace(b"HTTP/1.1", b"HTTP/1.0"))
    sender = make_sender(api)
    for _ in range(3):
        assert isinstance(await sender.send(REQUEST), Answer)
    assert api.connections == 3


async def test_connection_close_is_honoured(start_api: StartApi, make_sender: MakeSender) -> None:
    api = await start_api(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n", 1))
    sender = make_sender(api)
    for _ in range(3):
        assert isinstance(await sender.send(REQUEST), Answer)
    assert api.connections == 3


async def test_h18_an_answer_that_ends_with_the_connection_says_so(
    start_api: StartApi, make_sender: MakeSender
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + b'{"id"')
        await peer.close()

    answer = await make_sender(await start_api(script)).send(REQUEST)
    assert isinstance(answer, Answer)
    assert (answer.body, answer.delimited) == (b'{"id"', False)


async def test_h18_a_reset_is_no_end_of_an_answer(start_api: StartApi, make_sender: MakeSender) -> None:
    async def script(peer: Peer) -> None:
        await peer.read(10)  # the unread rest makes the close a reset
        await peer.write(b"HTTP/1.0 200 OK\r\n\r\nok")
        peer.reset()

    outcome = await make_sender(await start_api(script)).send(REQUEST)
    assert isinstance(outcome, NoAnswer)
    assert outcome.sent


async def test_gzip_is_decoded(start_api: StartApi, make_sender: MakeSender) -> None:
    packed = gzip.compress(b'{"id":1}') + gzip.compress(b"\n")
    api = await start_api(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed)
    )
    answer = await make_sender(api).send(REQUEST)
    assert isinstance(answer, Answer)
    assert answer.body == b'{"id":1}\n'


HEAD = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(b"0" * (9 * 1024 * 1024))


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        pytest.param(HEAD + b"Content-Length: 9\r\n\r\nok", "cut off within its body", id="h16 length beyond the body"),
        pytest.param(chunked(b"ok")[:-5], "cut off within its body", id="h17 no last chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", "cut off within its headers", id="h17 cut in the headers"),
        pytest.param(b"HTT", "cut off within its headers", id="h17 cut in the status line"),
        pytest.param(b"", "closed without an answer", id="h11 no answer"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP/1.1", id="h31 another protocol"),
        pytest.param(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "not HTTP/1.1", id="h31 another version"),
        pytest.param(b"\r\n" + OK, "not HTTP/1.1", id="h31 an empty line first"),
        pytest.param(b"HTTP/1.1 20 OK\r\n\r\n", "not proper HTTP", id="h31 two digits"),
        pytest.param(b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", "status is 0", id="h31 status 0"),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "status is 101", id="101"
        ),
        pytest.param(
            HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "not proper", id="h32 both"
        ),
        pytest.param(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", "not proper", id="h32 two lengths"),
        pytest.param(HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", "not proper", id="h32 twice the same"),
        pytest.param(HEAD + b"Content-Length: -2\r\n\r\nok", "not proper", id="h32 negative"),
        pytest.param(HEAD + b"Content-Length: 2, 2\r\n\r\nok", "not proper", id="h32 list"),
        pytest.param(HEAD.replace(b"\r", b"") + b"Content-Length: 2\n\nok", "not proper", id="h32 bare LF"),
        pytest.param(HEAD + b"X: a\rY: b\r\nContent-Length: 2\r\n\r\nok", "not proper", id="h32 bare CR"),
        pytest.param(HEAD + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok", "not proper", id="h32 folded header"),
        pytest.param(HEAD + b"Content-Length : 2\r\n\r\nok", "not proper", id="h32 space before the colon"),
        pytest.param(
            HEAD + b"Transfer-Encoding: gzip\r\n\r\nok", "Transfer-Encoding is 'gzip'", id="h32 other transfer coding"
        ),
        pytest.param(
            HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding is", id="h32 two codings"
        ),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "not proper", id="h32 chunk size"),
        pytest.param(HEAD + b"X: " + b"x" * 70_000 + b"\r\n\r\n", "headers are longer", id="h30 a huge header"),
        pytest.param(HEAD + b"X: x\r\n" * 14_000 + b"\r\n", "headers are longer", id="h30 endless headers"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 4000, "headers are longer", id="h30 endless interim answers"),
        pytest.param(
            HEAD + b"Content-Length: 9000000\r\n\r\n" + b"0" * 9_000_000, "larger than 8 MB", id="h28 a huge body"
        ),
        pytest.param(
            HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB,
            "larger than 8 MB",
            id="h28 a gzip bomb",
        ),
        pytest.param(
            HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", "gzip cannot be decoded", id="h33 no gzip"
        ),
        pytest.param(
            HEAD + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + gzip.compress(b'{"id":1}')[:20],
            "gzip was cut off",
            id="h33 half a gzip",
        ),
        pytest.param(
            HEAD + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\nok", "only gzip was asked for", id="h33 brotli"
        ),
    ],
)
async def test_h11_h16_h17_h28_h30_h31_h32_h33_what_is_no_answer(
    start_api: StartApi, make_sender: MakeSender, sent: bytes, reason: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.write(sent)
        await peer.close()

    api = await start_api(script)
    outcome = await make_sender(api).send(REQUEST)
    assert isinstance(outcome, NoAnswer)
    assert outcome.sent
    assert reason in outcome.reason
    assert api.requests == [REQUEST]


@pytest.mark.parametrize(
    "whole",
    [OK, chunked(b'{"id":1}'), b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"],
    ids=["length", "chunked", "no body"],
)
async def test_h16_h17_a_cut_at_any_byte_is_no_answer(
    start_api: StartApi, make_sender: MakeSender, whole: bytes
) -> None:
    cuts = iter(range(len(whole)))

    async def script(peer: Peer) -> None:
        if await peer.request():
            await peer.write(whole[: next(cuts)])
            await peer.close()

    api = await start_api(script)
    sender = make_sender(api)
    outcomes = [await sender.send(REQUEST) for _ in whole]
    assert all(isinstance(outcome, NoAnswer) and outcome.sent for outcome in outcomes)
    assert len(api.requests) == len(whole)
