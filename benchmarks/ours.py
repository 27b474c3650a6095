"""penstock itself, as people use it: the command, on a job file like theirs. And its sender alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.broker import find_broker
from benchmarks.figures import CommandFailed
from benchmarks.peer import INSTALLED, install_python, is_installed, note_installed, pip, run
from benchmarks.task import Task

_ROOT = Path(__file__).parent.parent
_COMPILED = INSTALLED / "penstock"
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
    """compiled: as a wheel with a compiled part, in an environment of its own; else it is what runs this.
    adapts: it finds out itself how many requests at once are good. processes: on this machine. by_broker: RabbitMQ hands the
    ranges out."""

    idempotent: bool
    compiled: bool = False
    adapts: bool = False
    processes: int = 1
    by_broker: bool = False
    reads: bool = True
    flags: bool = True

    def install(self) -> None:
        if self.compiled:
            install_compiled()
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
            [*self._penstock, "prepare", "orders.yaml"], cwd=task.folder, check=False, capture_output=True, text=True
        )
        if prepared.returncode:
            raise CommandFailed(f"was not prepared: {prepared.stderr.strip()}")

    def command(self, task: Task) -> Sequence[str]:
        processes = ["--processes", str(self.processes)] if self.processes > 1 else []
        broker = ["--broker", find_broker()] if self.by_broker else []
        return [*self._penstock, "run", "orders.yaml", *processes, *broker]

    @property
    def _penstock(self) -> Sequence[str]:
        return [str(python(compiled=self.compiled)), "-m", "penstock"]


@dataclass(frozen=True, slots=True)
class BareSender:
    """compiled: as of Penstock."""

    compiled: bool = False
    reads: bool = False
    flags: bool = False

    def install(self) -> None:
        if self.compiled:
            install_compiled()

    def get_ready(self, task: Task) -> None:
        pass

    def command(self, task: Task) -> Sequence[str]:
        certificate = [] if task.certificate is None else [str(task.certificate)]
        sender = [str(python(compiled=self.compiled)), str(_BARE_SENDER)]
        return [*sender, task.api, str(task.rows), str(task.in_flight), *certificate]


def python(*, compiled: bool) -> Path:
    return _COMPILED / "bin" / "python" if compiled else Path(sys.executable)


def install_compiled() -> None:
    """What `make wheel` makes, of the sources as they are now. Raises Missing."""
    pinned = [_ROOT / "requirements" / name for name in ("runtime.txt", "rabbitmq.txt")]
    sources = [*pinned, _ROOT / "pyproject.toml", *sorted((_ROOT / "src").rglob("*.py"))]
    if is_installed(_COMPILED, *sources):
        return
    install_python(_COMPILED, *pinned)
    run("the wheel", [str(_ROOT / "scripts" / "build_wheel"), str(_COMPILED)])
    run("the wheel", [*pip(_COMPILED), "install", "--no-deps", *map(str, _COMPILED.glob("penstock-*.whl"))])
    note_installed(_COMPILED, *sources)
