"""A whole migration on real parts: an old shop, the bundled API in its process, `penstock` as people call it, a count without it.

PENSTOCK_TEST_ROWS and PENSTOCK_TEST_KILLS make the same tests as large as one likes: `make proof`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from penstock.database.connect import Database, open_database
from penstock.demo.api import TOKEN
from penstock.demo.processes import RunningApi, running_api
from penstock.demo.proof import Proof, compare
from penstock.demo.shop import fill_shop

ROWS = int(os.environ.get("PENSTOCK_TEST_ROWS", "2000"))
KILLS = int(os.environ.get("PENSTOCK_TEST_KILLS", "4"))
SLOW = ("--latency", "40ms")

JOB = """\
name: orders
source:
  url: {source}
  query: |
    SELECT o.id, o.order_no, o.total, o.created_at, c.name, c.email
    FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.deleted = 0
  key: id
  flag: {{table: orders}}
  timezone: Asia/Shanghai
target:
  url: http://127.0.0.1:{port}/orders
  headers: {{Authorization: "Bearer {token}"}}
  body:
    orderNo: "{{{{ order_no }}}}"
    total: "{{{{ total }}}}"
    buyer: {{name: "{{{{ name }}}}", email: "{{{{ email | lower }}}}"}}
    createdAt: "{{{{ created_at }}}}"
  accept: "{{{{ status < 300 and body.code == 0 }}}}"
  refuse: "{{{{ body.code >= 40000 }}}}"
  receipt: "{{{{ body.data.id }}}}"
  idempotent: {idempotent}
delivery: {{concurrency: 32, max_in_doubt: {max_in_doubt}}}
{ledger}
"""


@dataclass(frozen=True)
class Journey:
    """source: the URL of a filled shop. api: where its orders go; record: the bodies that the API applied."""

    source: str
    folder: Path
    api: RunningApi
    record: Path

    def write_job(self, *, idempotent: bool, ledger: str | None = None, max_in_doubt: int = 1000) -> None:
        text = JOB.format(
            source=self.source,
            port=self.api.port,
            token=TOKEN,
            idempotent=str(idempotent).lower(),
            max_in_doubt=max_in_doubt,
            ledger="" if ledger is None else f"ledger: {{url: '{ledger}'}}",
        )
        (self.folder / "orders.yaml").write_text(text)

    def start(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "penstock", command, "orders.yaml", *arguments],
            cwd=self.folder,
            env={**os.environ, "XDG_STATE_HOME": str(self.folder / "state")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, command: str, *arguments: str, exits: int = 0) -> str:
        """Run `penstock command orders.yaml ...` to its end; returns its stdout."""
        process = self.start(command, *arguments)
        out, err = process.communicate(timeout=3600)
        assert process.returncode == exits, f"penstock {command} ended with {process.returncode}:\n{out}\n{err}"
        return out

    def summary(self, *arguments: str, exits: int = 0) -> Mapping[str, Any]:
        """Deliver until nothing is pending; returns the line of `run --json`."""
        summary = json.loads(self.call("run", "--json", *arguments, exits=exits))
        assert isinstance(summary, dict)
        return summary

    def finish(self) -> Mapping[str, Any]:
        """As `summary`, where some rows may be in doubt."""
        process = self.start("run", "--json")
        out, err = process.communicate(timeout=3600)
        assert process.returncode in (0, 1), err
        summary = json.loads(out)
        assert isinstance(summary, dict)
        return summary

    def rows(self, state: str) -> Sequence[Mapping[str, object]]:
        return [json.loads(line) for line in self.call("rows", "--json", "--state", state).splitlines()]

    def prove(self) -> Proof:
        """Compare, without penstock's mapping, what the API applied with what the shop holds, field by field."""
        return asyncio.run(self._prove())

    def flags(self) -> Mapping[int, int]:
        """The flag of every row of the shop, the deleted ones too, by id."""
        return asyncio.run(self._flags())

    def touched(self) -> int:
        """How many orders' `updated_at` is not what the shop wrote: those that somebody's UPDATE has changed."""
        return asyncio.run(self._touched())

    async def _prove(self) -> Proof:
        bodies = [json.loads(line, parse_float=Decimal) for line in self.record.read_bytes().splitlines()]
        async with _reading(self.source) as database, database.reading() as connection:
            query = """SELECT o.order_no, o.total, o.created_at, c.name, c.email
                       FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.deleted = 0"""
            expected = {
                order_no: {
                    "orderNo": order_no,
                    "total": Decimal(str(total)).quantize(Decimal("0.01")),
                    "buyer": {"name": name, "email": email.lower()},
                    "createdAt": datetime.fromisoformat(str(created_at)).replace(tzinfo=ZoneInfo("Asia/Shanghai")),
                }
                for order_no, total, created_at, name, email in await connection.execute(text(query))
            }
        flagged = sum(value == 1 for value in (await self._flags()).values())
        return compare(expected, bodies, flagged=flagged)

    async def _flags(self) -> Mapping[int, int]:
        async with _reading(self.source) as database, database.reading() as connection:
            return {row.id: row.is_import for row in await connection.execute(text("SELECT id, is_import FROM orders"))}

    async def _touched(self) -> int:
        async with _reading(self.source) as database, database.reading() as connection:
            # The shop writes both moments alike when it makes an order; what differs has been touched since.
            query = text("SELECT COUNT(*) FROM orders WHERE updated_at <> created_at")
            return int((await connection.execute(query)).scalar_one())


class _reading:  # noqa: N801  used like a function
    def __init__(self, url: str) -> None:
        self._database = open_database(SecretStr(url))

    async def __aenter__(self) -> Database:
        return self._database

    async def __aexit__(self, *_: object) -> None:
        await self._database.aclose()


@contextmanager
def journey(source: str, folder: Path, *api: str) -> Iterator[Journey]:
    record = folder / "applied.jsonl"
    record.touch()
    with running_api("--record", str(record), "--quiet", *api, folder=folder) as running:
        yield Journey(source, folder, running, record)


@pytest.fixture
def honest(database_url: str, tmp_path: Path) -> Iterator[Journey]:
    """A shop of ROWS orders, on every database; an API that answers as it should and honours the Idempotency-Key."""
    asyncio.run(fill_shop(SecretStr(database_url), orders=ROWS, seed=7))
    with journey(database_url, tmp_path) as ready:
        yield ready


@pytest.fixture
def long_shop(database_url: str) -> str:
    """As many orders as so many kills need to find somebody at work."""
    asyncio.run(fill_shop(SecretStr(database_url), orders=1000 * KILLS, seed=7))
    return database_url


@pytest.fixture
def honest_and_slow(long_shop: str, tmp_path: Path) -> Iterator[Journey]:
    with journey(long_shop, tmp_path, *SLOW) as ready:
        yield ready


@pytest.fixture
def forgetful_and_slow(long_shop: str, tmp_path: Path) -> Iterator[Journey]:
    """An API that knows no Idempotency-Key: whatever comes twice is applied twice."""
    with journey(long_shop, tmp_path, "--ignore-keys", *SLOW) as ready:
        yield ready
