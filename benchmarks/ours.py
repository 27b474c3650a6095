"""penstock itself, as people use it: the command, on a job file like theirs. And its sender alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.broker import find_broker
from benchmarks.figures import CommandFailed
from benchmarks.task import Task

_PENSTOCK = (sys.executable, "-m", "penstock")
_BARE_SENDER = Path(__file__).parent / "peers" / "bare_sender.py"
_JOB = """\
name: orders
source:
  url: {database}
  query: |
    SELECT o.id, o.order_no, o.total, o.created_at, c.name, c.email
    FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.deleted = 0
  key: id
  flag: {{table: orders}}
  timezone: Asia/Shanghai
target:
  url: {api}
{tls}
  body:
    orderNo: "{{{{ order_no }}}}"
    total: "{{{{ total }}}}"
    buyer: {{name: "{{{{ name }}}}", email: "{{{{ email | lower }}}}"}}
    createdAt: "{{{{ created_at }}}}"
    note: moved from the old shop, where it had been since it was placed; its history stays there and is not moved
  accept: "{{{{ status < 300 and body.code == 0 }}}}"
  receipt: "{{{{ body.id }}}}"
  idempotent: {idempotent}
delivery: {{concurrency: {in_flight}, max_concurrency: 1024}}
"""


@dataclass(frozen=True, slots=True)
class Penstock:
    """adapts: it finds out itself how many requests at once are good. processes: on this machine. by_broker: RabbitMQ hands the
    ranges out."""

    idempotent: bool
    adapts: bool = False
    processes: int = 1
    by_broker: bool = False
    reads: bool = True
    flags: bool = True

    def install(self) -> None:
        """It is what runs this."""
        if self.by_broker:
            find_broker()

    def get_ready(self, task: Task) -> None:
        tls = "" if task.certificate is None else f"  tls: {{ca: {task.certificate}}}"
        job = _JOB.format(
            database=task.database,
            api=task.api,
            tls=tls,
            idempotent=str(self.idempotent).lower(),
            in_flight="auto" if self.adapts else task.in_flight,
        )
        (task.folder / "orders.yaml").write_text(job)
        prepared = subprocess.run(
            [*_PENSTOCK, "prepare", "orders.yaml"], cwd=task.folder, check=False, capture_output=True, text=True
        )
        if prepared.returncode:
            raise CommandFailed(f"was not prepared: {prepared.stderr.strip()}")

    def command(self, task: Task) -> Sequence[str]:
        processes = ["--processes", str(self.processes)] if self.processes > 1 else []
        return [*_PENSTOCK, "run", "orders.yaml", *processes, *(["--broker", find_broker()] if self.by_broker else [])]


@dataclass(frozen=True, slots=True)
class BareSender:
    reads: bool = False
    flags: bool = False

    def install(self) -> None:
        """It is part of penstock."""

    def get_ready(self, task: Task) -> None:
        pass

    def command(self, task: Task) -> Sequence[str]:
        certificate = [] if task.certificate is None else [str(task.certificate)]
        return [sys.executable, str(_BARE_SENDER), task.api, str(task.rows), str(task.in_flight), *certificate]
