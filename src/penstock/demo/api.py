"""The bundled API in a process of its own: `python -m penstock.demo.api --port 0 --store orders.jsonl --faults 0.02`.

Prints one JSON line, {"port": N}, on stdout once it listens. SIGINT and SIGTERM end it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.demo.faults import Faults
from penstock.demo.http import Connection
from penstock.demo.journal import AppendOnlyFile, encode_order, stored_orders
from penstock.demo.orders import OrderBook, StoredOrder
from penstock.demo.service import OrderService
from penstock.spec.units import parse_duration

TOKEN = "demo-token"  # noqa: S105  it protects nothing: the API is a toy on the loopback address


@dataclass(frozen=True, slots=True)
class Options:
    """store: every applied order, read back at the next start. record: the bodies of applied orders as they came, a line each.
    latency: seconds. with_parent: end when standard input closes, which it does when whoever started this dies."""

    port: int
    store: Path | None
    record: Path | None
    faults: float
    seed: int
    token: str
    ignore_keys: bool
    latency: float
    quiet: bool
    with_parent: bool


def parse_options(arguments: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m penstock.demo.api", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--store", type=Path, help="keep orders in this file, and know them again after a restart")
    parser.add_argument("--record", type=Path, help="append the body of each applied order to this file, a line each")
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that go wrong, 0 to 1")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other faults")
    parser.add_argument("--token", default=TOKEN, help="what Authorization: Bearer must carry")
    parser.add_argument("--ignore-keys", action="store_true", help="apply an order again however often it comes")
    parser.add_argument("--latency", type=parse_duration, default=0.0, help="wait before each answer, like 20ms")
    parser.add_argument("--quiet", action="store_true", help="say nothing but the port")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    return Options(**vars(parser.parse_args(arguments)))


async def serve(options: Options) -> OrderBook:
    """Serve on the loopback address until a signal; returns what was applied."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    if options.with_parent:
        loop.add_reader(sys.stdin.fileno(), _end_at_end_of_input, ended)
    with contextlib.ExitStack() as files:
        book = OrderBook()
        service = OrderService(
            book=book,
            faults=Faults(share=options.faults, seed=options.seed),
            token=options.token,
            honour_keys=not options.ignore_keys,
            keep=_open_files(options, book, files),
        )
        server = await loop.create_server(
            lambda: Connection(service.answer, options.latency), "127.0.0.1", options.port, backlog=1024
        )
        sys.stdout.write(json.dumps({"port": server.sockets[0].getsockname()[1]}) + "\n")
        sys.stdout.flush()
        await ended.wait()
        server.close()
    return book


def _open_files(options: Options, book: OrderBook, files: contextlib.ExitStack) -> Callable[[StoredOrder, bytes], None]:
    """Fill the book from the store, and return what keeps each further order."""
    store = record = None
    if options.store is not None:
        for order in stored_orders(options.store):
            book.add(order)
        store = files.enter_context(contextlib.closing(AppendOnlyFile(options.store)))
    if options.record is not None:
        record = files.enter_context(contextlib.closing(AppendOnlyFile(options.record)))

    def keep(order: StoredOrder, body: bytes) -> None:
        if record is not None:
            record.append(body.replace(b"\n", b" "))  # between JSON's tokens; text holds it escaped
        if store is not None:
            store.append(encode_order(order))

    return keep


def _end_at_end_of_input(ended: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        ended.set()


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        from uvloop import new_event_loop  # noqa: PLC0415  where it does not run, asyncio's own loop serves as well
    except ImportError:
        return None
    return new_event_loop


def main() -> int:
    options = parse_options(sys.argv[1:])
    try:
        with asyncio.Runner(loop_factory=_fast_loop()) as runner:
            book = runner.run(serve(options))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why, way_out = f"port {options.port} is taken", "end what listens there, or give another --port"
        else:
            why, way_out = str(error), "give a --port and files that may be used"
        sys.stderr.write(f"there is no API: {why}; {way_out}\n")
        return 2
    if not options.quiet:
        sys.stderr.write(f"{book.applied} orders applied, {book.doubled} of them more than once\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
