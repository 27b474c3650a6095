"""The bundled API's memory on disk: one line an order, with the kernel before the answer goes out, so that a kill loses none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import orjson

from penstock.demo.orders import StoredOrder


class AppendOnlyFile:
    """Whole lines at the end of a file. Each is one unbuffered write."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def append(self, line: bytes) -> None:
        """line: without its end. Raises OSError (a full disk) before anybody was told that the order is accepted."""
        os.write(self._descriptor, line + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)


def encode_order(order: StoredOrder) -> bytes:
    return orjson.dumps(order._asdict())


def stored_orders(path: Path) -> Iterator[StoredOrder]:
    """The orders of an earlier process, in the order they were applied; none if there is no such file."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield StoredOrder(**orjson.loads(line))
            except (ValueError, TypeError) as error:
                raise OSError(f"line {number} of {path} is no order that this API has kept: {error}") from error
