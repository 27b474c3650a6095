"""How fast requests go out: penstock's sender beside two clients of the standard library, no database in sight.

A server in its own process answers `201 {"code":0,"id":1}` at once, or after 20 ms. 64 requests of 300 bytes are in flight.
CPU-s/10k is the client's processor time for 10,000 requests: the figure that holds on a busy machine.
"""

from __future__ import annotations

import asyncio
import http.client
import subprocess
import sys
import time
from collections.abc import Callable, Container, Coroutine, Iterator
from contextlib import contextmanager
from statistics import median
from threading import Lock, Thread
from typing import NamedTuple, TypeAlias, cast

import uvloop

from penstock.target.base import Answer
from penstock.target.http import HttpSender
from penstock.target.wire import RequestWriter, TargetAddress

IN_FLIGHT = 64
ROUNDS = 3
BODY = b'{"orderNo":"A-000017","note":"' + b"x" * 268 + b'"}'
ANSWER = (
    b"HTTP/1.1 201 Created\r\nServer: bench\r\nDate: Mon, 24 Nov 2025 12:00:00 GMT\r\nContent-Type: application/json\r\n"
    b'Content-Length: 17\r\nConnection: keep-alive\r\n\r\n{"code":0,"id":1}'
)


class Speed(NamedTuple):
    requests_per_second: float
    cpu_seconds_per_10k: float


class Answering(asyncio.Protocol):
    """Reads no more of a request than where it ends."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not data.endswith(BODY[-2:]):
            return  # http.client sends headers and body apart
        if self._delay:
            self._loop.call_later(self._delay, self._transport.write, ANSWER)
        else:
            self._transport.write(ANSWER)


async def serve(delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Answering(delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(delay: float) -> Iterator[TargetAddress]:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sender", "serve", str(delay)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            yield TargetAddress("127.0.0.1", port, False, f"127.0.0.1:{port}")
        finally:
            process.terminate()


async def penstock_sender(
    address: TargetAddress, request: bytes, requests: int, status: Container[int] = (201,)
) -> None:
    sender = HttpSender(address, tls=None, connect_timeout=5, total_timeout=30)
    numbers = iter(range(requests))

    async def send_on() -> None:
        for _ in numbers:
            outcome = await sender.send(request)
            assert isinstance(outcome, Answer)
            assert outcome.status in status

    await asyncio.gather(*(send_on() for _ in range(IN_FLIGHT)))
    await sender.aclose()


async def asyncio_streams(address: TargetAddress, request: bytes, requests: int) -> None:
    """As one would write it in an afternoon: no deadline, no pool, nothing checked but the status."""
    numbers = iter(range(requests))

    async def send_on() -> None:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        for _ in numbers:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 201")
            length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
            await reader.readexactly(int(length[16:]))
        writer.close()

    await asyncio.gather(*(send_on() for _ in range(IN_FLIGHT)))


def threads(address: TargetAddress, requests: int) -> None:
    numbers, lock = iter(range(requests)), Lock()

    def send_on() -> None:
        connection = http.client.HTTPConnection(address.host, address.port)
        while True:
            with lock:
                if next(numbers, None) is None:
                    break
            connection.request("POST", "/orders", BODY, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 201
            answer.read()
        connection.close()

    workers = [Thread(target=send_on) for _ in range(IN_FLIGHT)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


Client: TypeAlias = Callable[[TargetAddress, bytes, int], Coroutine[None, None, None]]


def measure(run: Callable[[int], None], requests: int) -> Speed:
    """Medians of a few rounds, after a short one to warm up."""
    run(IN_FLIGHT * 10)
    speeds = []
    for _ in range(ROUNDS):
        began, cpu = time.perf_counter(), time.process_time()
        run(requests)
        taken, used = time.perf_counter() - began, time.process_time() - cpu
        speeds.append(Speed(requests / taken, used / requests * 10_000))
    return Speed(median(speed[0] for speed in speeds), median(speed[1] for speed in speeds))


def compare(delay: float, requests: int) -> dict[str, Speed]:
    with serving(delay) as address:
        writer = RequestWriter("POST", address, [("Content-Type", "application/json")])
        request = writer.render(b"/orders", (), "0" * 32, BODY)

        def on(loop: Callable[[], asyncio.AbstractEventLoop], client: Client) -> Callable[[int], None]:
            def run(requests: int) -> None:
                with asyncio.Runner(loop_factory=loop) as runner:
                    runner.run(client(address, request, requests))

            return run

        return {
            "penstock, uvloop": measure(on(uvloop.new_event_loop, penstock_sender), requests),
            "penstock, asyncio": measure(on(asyncio.new_event_loop, penstock_sender), requests),
            "streams, uvloop": measure(on(uvloop.new_event_loop, asyncio_streams), requests),
            "http.client, 64 threads": measure(lambda requests: threads(address, requests), requests // 5),
        }


def main() -> None:
    print(f"{'client':<26}{'delay':>8}{'requests/s':>13}{'CPU-s/10k':>11}{'of penstock':>13}")
    for delay, requests in ((0.0, 50_000), (0.02, 15_000)):
        speeds = compare(delay, requests)
        fastest = speeds["penstock, uvloop"].requests_per_second
        for client, speed in speeds.items():
            share = speed.requests_per_second / fastest
            print(f"{client:<26}{delay * 1000:>5.0f} ms{speed[0]:>13,.0f}{speed[1]:>11.3f}{share:>13.0%}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(float(sys.argv[2])))
    else:
        main()
