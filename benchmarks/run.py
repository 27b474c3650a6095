"""How fast whole rows go, from MariaDB and SQLite to an API that answers at once, or after 20 ms; beside the bare sender.

Each run delivers orders joined with customers, in a nested body, to the bundled API in a process of its own, with ledger and flag
beside the source; 64 requests are in flight. It is the command that people use, start included. "of the sender": the share of
the requests per second that penstock's sender reaches alone, with such a body and no database, in the same round.
CPU-s/10k is the processor time of the penstock process for 10,000 rows.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import uuid4

import uvloop
from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.sender import IN_FLIGHT, penstock_sender
from penstock.demo.api import TOKEN
from penstock.demo.processes import running_api
from penstock.demo.shop import fill_shop
from penstock.target.wire import RequestWriter, TargetAddress

ROWS = int(os.environ.get("PENSTOCK_BENCH_ROWS", "100000"))
ROUNDS = 3
SERVICES = Path(__file__).parent.parent / ".services"
BODY = (
    b'{"orderNo":"A-%07d","total":801.56,"buyer":{"name":"D\xc3\xb6rte \xc3\x87elik","email":"customer535@example.com"},'
    b'"createdAt":"2019-03-01T09:00:11+08:00"}'
)
JOB = """\
name: orders
source:
  url: {url}
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
  receipt: "{{{{ body.data.id }}}}"
  idempotent: {idempotent}
delivery: {{concurrency: {in_flight}}}
"""


class Speed(NamedTuple):
    rows_per_second: float
    cpu_seconds_per_10k: float
    of_the_sender: float
    megabytes: float


def run_once(url: str, folder: Path, rows: int, *, idempotent: bool, latency: float) -> Speed:
    asyncio.run(fill_shop(SecretStr(url), orders=rows, seed=1, folder=str(folder)))
    with running_api("--quiet", "--latency", f"{latency * 1000:g}ms", folder=folder) as api:
        job = JOB.format(url=url, port=api.port, token=TOKEN, idempotent=str(idempotent).lower(), in_flight=IN_FLIGHT)
        (folder / "orders.yaml").write_text(job)
        _penstock("prepare", folder)
        bare = _bare_sender(api.port, rows)
        seconds, cpu, megabytes = _penstock("run", folder)
    return Speed(rows / seconds, cpu / rows * 10_000, rows / seconds / bare, megabytes)


def _penstock(command: str, folder: Path) -> tuple[float, float, float]:
    """Returns seconds, CPU seconds, and peak memory in MB."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "penstock", command, "orders.yaml"], cwd=folder, stderr=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"penstock {command} ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _bare_sender(port: int, rows: int) -> float:
    """Requests per second of the sender alone. The orders' numbers are none of the shop's."""
    address = TargetAddress("127.0.0.1", port, False, f"127.0.0.1:{port}")
    headers = [("Content-Type", "application/json"), ("Authorization", f"Bearer {TOKEN}")]
    request = RequestWriter("POST", address, headers).render(b"/orders", (), uuid4().hex, BODY % 9_000_000)
    requests = rows // 2
    began = time.perf_counter()
    uvloop.run(penstock_sender(address, request, requests, status=(200, 201)))
    return requests / (time.perf_counter() - began)


@contextmanager
def database(kind: str) -> Iterator[str]:
    """A new one, as a URL; gone afterwards."""
    if kind == "SQLite":
        yield "sqlite:///shop.db"
        return
    given = os.environ.get("PENSTOCK_TEST_MYSQL_URL") or (SERVICES / "mariadb" / "url").read_text().strip()
    name = f"penstock_bench_{uuid4().hex[:8]}"
    asyncio.run(_execute(given, f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    try:
        yield make_url(given).set(database=name).render_as_string(hide_password=False)
    finally:
        asyncio.run(_execute(given, f"DROP DATABASE {name}"))


async def _execute(server: str, statement: str) -> None:
    engine = create_async_engine(make_url(server).set(drivername="mysql+asyncmy"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.exec_driver_sql(statement)
    await engine.dispose()


def main() -> None:
    print(
        f"{'source':<9}{'idempotent':<12}{'delay':>7}{'rows/s':>10}{'CPU-s/10k':>11}{'of the sender':>15}{'peak MB':>9}"
    )
    cases = [
        (kind, idempotent, latency)
        for latency in (0.0, 0.02)
        for kind in ("MariaDB", "SQLite")
        for idempotent in (True, False)
    ]
    speeds: dict[tuple[str, bool, float], list[Speed]] = {case: [] for case in cases}
    for _ in range(ROUNDS):  # interleaved: whatever else the machine does is felt by all alike
        for case in cases:
            kind, idempotent, latency = case
            rows = ROWS if latency == 0.0 else ROWS // 2
            with TemporaryDirectory() as folder, database(kind) as url:
                speeds[case].append(run_once(url, Path(folder), rows, idempotent=idempotent, latency=latency))
    for (kind, idempotent, latency), found in speeds.items():
        rows_per_second, cpu, share, megabytes = (median(values) for values in zip(*found, strict=True))
        says = "yes" if idempotent else "no"
        print(
            f"{kind:<9}{says:<12}{latency * 1000:>4.0f} ms{rows_per_second:>10,.0f}{cpu:>11.3f}{share:>15.0%}{megabytes:>9.0f}"
        )


if __name__ == "__main__":
    main()
