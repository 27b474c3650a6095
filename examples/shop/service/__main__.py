"""The new shop's service in processes of its own.

    SHOP_TOKEN=... python -m examples.shop.service --port 8010 --mysql mysql://... --mongodb mongodb://... --workers 2

Makes its tables and indexes where they are missing, and prints one JSON line, {"port": N}, on stdout once it
may be called. SIGINT and SIGTERM end it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence

import uvicorn
from examples.shop.service.mongodb import make_indexes
from examples.shop.service.mysql import make_tables
from examples.shop.service.settings import Settings
from pymongo.errors import PyMongoError
from sqlalchemy.exc import SQLAlchemyError
from uvicorn.supervisors import Multiprocess


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.shop.service", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; in a container 0.0.0.0")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--mysql", required=True, help="mysql://user:password@host:port/name, for orders and payments")
    parser.add_argument("--mongodb", required=True, help="mongodb://host:port/name, for customers and products")
    parser.add_argument("--workers", type=int, default=1, help="processes that serve")
    parser.add_argument("--rate", type=float, default=5000, help="requests per second before the answer is 429")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    return parser.parse_args(arguments)


def serve(options: argparse.Namespace) -> None:
    config = uvicorn.Config(
        "examples.shop.service.app:create_app",
        factory=True,
        host=options.host,
        port=options.port,
        workers=options.workers,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=30,
    )
    listening = config.bind_socket()
    listening.listen(config.backlog)
    # Whoever calls from here on waits until a worker accepts.
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    if options.with_parent:
        threading.Thread(target=_end_at_end_of_input, daemon=True).start()
    if options.workers == 1:
        uvicorn.Server(config).run(sockets=[listening])
    else:
        Multiprocess(config, sockets=[listening]).run()


def _end_at_end_of_input() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


async def _make_stores(settings: Settings) -> None:
    await make_tables(settings.mysql)
    await make_indexes(settings.mongodb)


def main() -> int:
    options = parse(sys.argv[1:])
    token = os.environ.get("SHOP_TOKEN")
    if not token:
        print("set SHOP_TOKEN: what callers must send as Authorization: Bearer", file=sys.stderr)
        return 2
    settings = Settings(options.mysql, options.mongodb, token, options.rate / options.workers)
    os.environ.update(settings.as_environment())
    try:
        asyncio.run(_make_stores(settings))
    except (SQLAlchemyError, PyMongoError) as error:
        print(f"the stores cannot be used: {error}", file=sys.stderr)
        return 3
    serve(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
