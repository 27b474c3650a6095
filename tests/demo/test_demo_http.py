"""The bundled API on the wire, byte by byte."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from penstock.demo.api import TOKEN
from penstock.demo.processes import running_api


def test_requests_in_one_packet_are_answered_in_their_order_on_one_connection(tmp_path: Path) -> None:
    bodies = [order(1), order(2)]
    with (
        running_api("--latency", "20ms", folder=tmp_path) as api,
        socket.create_connection(("127.0.0.1", api.port), timeout=30) as client,
    ):
        client.sendall(b"".join([raw_post(bodies[0]), raw_post(bodies[1], b"Connection: close\r\n")]))
        answers = read_to_end(client)
    assert answers.index(b'{"id":1}') < answers.index(b'{"id":2}')
    assert answers.count(b"Connection: close") == 1


def test_bytes_that_are_no_http_get_a_400_and_a_closed_connection(tmp_path: Path) -> None:
    with (
        running_api(folder=tmp_path) as api,
        socket.create_connection(("127.0.0.1", api.port), timeout=30) as client,
    ):
        client.sendall(b"SSH-2.0-nothing\r\n\r\n")
        assert read_to_end(client).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def order(number: int) -> bytes:
    buyer = {"name": "Zoë", "email": "zoe@example.com"}
    body = {"orderNo": f"A-{number}", "total": 12.5, "buyer": buyer, "createdAt": "2019-03-01T09:00:00+08:00"}
    return json.dumps(body).encode()


def raw_post(body: bytes, headers: bytes = b"") -> bytes:
    lines = [
        b"POST /orders HTTP/1.1",
        b"Host: shop",
        b"Authorization: Bearer " + TOKEN.encode(),
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join(lines) + b"\r\n" + headers + b"\r\n" + body


def read_to_end(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))
