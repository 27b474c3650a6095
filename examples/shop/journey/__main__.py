"""The whole journey on real servers: `make journey`, or `python -m examples.shop.journey --customers 300 --orders 900`.

Exit codes: 0 everything arrived; 1 something did not, or a command failed; 3 stopped, or without servers.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from examples.shop.journey.play import Plan, play
from examples.shop.journey.servers import drop, stores_named
from examples.shop.journey.stage import CommandFailed
from pymongo.errors import PyMongoError
from sqlalchemy.exc import SQLAlchemyError


def main() -> int:
    # Both end it softly, also where a shell started it in the background: what it has started must end with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m examples.shop.journey", description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000, help="how many, the deleted ones not counted")
    parser.add_argument("--orders", type=int, default=300_000, help="the same of orders")
    parser.add_argument("--kills", type=int, default=3, help="runs that are killed with kill -9")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another shop and other moments to kill")
    parser.add_argument("--workers", type=int, default=2, help="processes of the service")
    parser.add_argument("--rate", type=float, default=5000, help="requests per second before the service answers 429")
    parser.add_argument("--name", default="penstock_journey", help="of the databases, which are emptied first")
    parser.add_argument(
        "--drop", action="store_true", help="drop the databases in the end; else they are left to look at"
    )
    options = vars(parser.parse_args())
    stores, dropped = stores_named(options.pop("name")), options.pop("drop")
    try:
        with tempfile.TemporaryDirectory() as state:
            return 0 if play(Plan(**options), stores, Path(state)) else 1
    except CommandFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    except (SQLAlchemyError, PyMongoError) as error:
        print(f"a server cannot be used: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 3
    finally:
        if dropped:
            drop(stores)


if __name__ == "__main__":
    sys.exit(main())
