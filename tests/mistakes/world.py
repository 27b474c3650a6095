"""Where mistakes are made: a folder with an old shop, a job file and an API; `penstock` is called in this process."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.mistakes.api import Api

from penstock.cli.main import main

# Wherever one of these shows, a secret has been shown.
CANARY = "canary"
TOKEN = f"{CANARY}-token"
PASSWORD = f"{CANARY}-password"

ORDERS = 3

JOB = """\
name: orders
source:
  url: <source>
  query: SELECT id, order_no, total FROM orders
  key: id
  flag: {table: orders}
target:
  url: http://127.0.0.1:<port>/orders
  headers: {Authorization: "Bearer ${API_TOKEN}"}
  body: {orderNo: "{{ order_no }}", total: "{{ total }}"}
  receipt: "{{ body.id }}"
  idempotent: true
delivery: {give_up_after: 300ms, stop_at: never}
"""

SHOP = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, order_no VARCHAR(20) NOT NULL, total INTEGER, note VARCHAR(20))",
    "INSERT INTO orders VALUES (1, 'A-1', 10, NULL), (2, 'A-2', 20, 'urgent'), (3, 'A-3', 30, NULL)",
)


class Database(Protocol):
    """url: as it stands in a job file."""

    url: str

    def execute(self, *statements: str) -> None: ...

    def contents(self) -> str:
        """Everything in it: equal before and after if nothing was touched."""
        ...

    def number(self, question: str) -> int:
        """The answer to a SELECT of one number."""
        ...


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """What a person or a program is told: the findings of `check --json` stand on stdout."""
        if not self.out.startswith('{"job":'):
            return self.err
        findings = [finding for document in self.documents for finding in document.get("findings", ())]
        lines = [
            f"{one['subject']}: {one['text']}" + (f"; {one['way_out']}" if one["way_out"] else "") for one in findings
        ]
        samples = [sample["error"] or "" for document in self.documents for sample in document.get("samples", ())]
        return "\n".join([self.err, *lines, *samples])

    @property
    def documents(self) -> Sequence[Mapping[str, Any]]:
        """What stdout holds, one JSON document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class SqliteFile:
    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path.name}"
        self._path = path

    def execute(self, *statements: str) -> None:
        with closing(sqlite3.connect(self._path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def contents(self) -> str:
        if not self._path.exists():
            return "no such file"
        with closing(sqlite3.connect(self._path)) as connection:
            return "\n".join(connection.iterdump())

    def number(self, question: str) -> int:
        with closing(sqlite3.connect(self._path)) as connection:
            return int(connection.execute(question).fetchone()[0])


@dataclass
class World:
    """names: what stands for <name> in job files and messages. undo: what a case leaves for afterwards."""

    folder: Path
    api: Api
    database: Database
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    undo: ExitStack
    names: dict[str, str] = field(default_factory=dict)

    def filled_in(self, text: str) -> str:
        for name, value in self.names.items():
            text = text.replace(f"<{name}>", value)
        return text

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(self.filled_in(text), encoding="utf-8")

    def penstock(self, *words: str) -> Ended:
        """Run a command to its end, in this process."""
        self.capture.readouterr()
        code = main([self.filled_in(word) for word in words])
        told = self.capture.readouterr()
        return Ended(code, told.out, told.err)

    def state(self) -> Mapping[str, object]:
        """All that a command could have touched."""
        return {
            "files": sorted(
                str(path.relative_to(self.folder))
                for path in self.folder.rglob("*")
                if "__pycache__" not in path.parts  # Python's own, beside a module that was loaded
            ),
            "source": self.database.contents(),
            "other databases": {path.name: SqliteFile(path).contents() for path in sorted(self.folder.glob("*.db"))},
            "requests": len(self.api.bodies),
        }


def sqlite_shop(folder: Path) -> SqliteFile:
    shop = SqliteFile(folder / "shop.db")
    shop.execute(*SHOP)
    return shop
