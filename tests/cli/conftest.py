"""An old shop, the bundled API, and `penstock` as a real process."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.demo.api import TOKEN
from penstock.demo.processes import RunningApi, running_api

ORDERS = 40
BAD_ORDER = 7  # its total is negative: the API refuses it

_JOB = """\
name: {name}
source:
  url: sqlite:///shop.db
  table: orders
  key: id
  flag: {{table: orders}}
target:
  url: http://127.0.0.1:{port}/orders
  headers: {{Authorization: "Bearer ${{API_TOKEN}}"}}
  body:
    orderNo: "{{{{ order_no }}}}"
    total: "{{{{ total }}}}"
    buyer: {{name: "Ada", email: "ada@example.com"}}
    createdAt: "2026-01-01T00:00:00Z"
  receipt: "{{{{ body.data.id }}}}"
  idempotent: true
delivery: {{concurrency: {concurrency}, stop_at: never}}
"""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, object]:
        """The one JSON document on stdout."""
        [line] = self.out.splitlines()
        document = json.loads(line)
        assert isinstance(document, dict)
        return document

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Shop:
    """A folder with shop.db and job files."""

    folder: Path
    api: RunningApi

    def write_job(
        self, name: str = "orders", *, concurrency: int = 4, port: int | None = None, and_then: str = ""
    ) -> str:
        """Returns the file's name. and_then: text to end the file with."""
        text = _JOB.format(name=name, port=port or self.api.port, concurrency=concurrency)
        (self.folder / f"{name}.yaml").write_text(text + and_then)
        return f"{name}.yaml"

    def penstock(self, *words: str, environment: dict[str, str] | None = None) -> Ended:
        """Run a command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "penstock", *words],
            cwd=self.folder,
            env=self.environment | (environment or {}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "penstock", *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        return dict(os.environ) | {"API_TOKEN": TOKEN, "XDG_STATE_HOME": str(self.folder / "state"), "NO_COLOR": "1"}

    def imported(self) -> int:
        with closing(sqlite3.connect(self.folder / "shop.db")) as connection:
            [(count,)] = connection.execute("SELECT count(*) FROM orders WHERE is_import = 1")
        assert isinstance(count, int)
        return count


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """40 orders, of which the API refuses one; orders.yaml; nothing prepared yet."""
    yield from _shop(tmp_path, "--latency", "0ms")


@pytest.fixture
def slow_shop(tmp_path: Path) -> Iterator[Shop]:
    """The same with an API that takes its time."""
    yield from _shop(tmp_path, "--latency", "100ms")


@pytest.fixture
def very_slow_shop(tmp_path: Path) -> Iterator[Shop]:
    """The same with an API so slow that a request is surely on the wire."""
    yield from _shop(tmp_path, "--latency", "1s")


def _shop(folder: Path, *arguments: str) -> Iterator[Shop]:
    with closing(sqlite3.connect(folder / "shop.db")) as connection:
        connection.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, order_no TEXT NOT NULL, total INTEGER NOT NULL)"
        )
        rows = [(n, f"A-{n}", -1 if n == BAD_ORDER else n) for n in range(1, ORDERS + 1)]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
        connection.commit()
    with running_api("--quiet", *arguments, folder=folder) as api:
        shop = Shop(folder, api)
        shop.write_job()
        yield shop
