"""An old shop, its API, and the new store that this API fills, in one database of any kind: what `verify` is tried on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text
from tests.engine.api import Api, Asked, Reply, accept, serving

from penstock.database.connect import Database, open_database
from penstock.engine.report import RunOptions, Summary
from penstock.engine.stop import Stop
from penstock.ledger.rows import Counts, LedgerRow
from penstock.ledger.states import RowState
from penstock.spec.loader import load
from penstock.spec.models import Job
from penstock.verify.findings import Finding
from penstock.verify.reconcile import Scope
from penstock.verify.repair import Repaired
from penstock.wiring import open_read_model, open_verification, prepare_job, run_job

JOB = """\
name: orders
source:
  url: {url}
  query: SELECT id, total, weight, placed, day, note FROM orders
  key: id
  timezone: Asia/Shanghai
  flag: {{table: orders}}
target:
  url: http://127.0.0.1:{port}/orders
  receipt: "{{{{ body.id }}}}"
  idempotent: true
delivery:
  backoff: {{first: 1ms, max: 5ms}}
  stop_at: never
{verify}
"""

VERIFY = """\
verify:
  url: {url}
  query: SELECT external_id, total, weight, placed, day, note FROM new_orders
  key: external_id
  timezone: UTC
  compare:
    total: "{{{{ total }}}}"
    weight: "{{{{ weight }}}}"
    placed: "{{{{ placed }}}}"
    day: "{{{{ day }}}}"
    note: "{{{{ note }}}}"
"""

_TABLES = {
    "sqlite": """
CREATE TABLE orders (id INTEGER PRIMARY KEY, total DECIMAL(12,2), weight DOUBLE, placed DATETIME, day DATE, note VARCHAR(200));
CREATE TABLE new_orders (external_id VARCHAR(40), total DECIMAL(14,4), weight DOUBLE, placed DATETIME, day DATE,
  note VARCHAR(200));
CREATE INDEX new_orders_by_id ON new_orders (external_id)""",
    "mysql": """
CREATE TABLE orders (id BIGINT UNSIGNED PRIMARY KEY, total DECIMAL(12,2), weight DOUBLE, placed DATETIME(6), day DATE,
  note VARCHAR(200)) CHARACTER SET utf8mb4;
CREATE TABLE new_orders (external_id VARCHAR(40), total DECIMAL(14,4), weight DOUBLE, placed DATETIME(6), day DATE,
  note VARCHAR(200), KEY new_orders_by_id (external_id)) CHARACTER SET utf8mb4""",
    "postgresql": """
CREATE TABLE orders (id BIGINT PRIMARY KEY, total DECIMAL(12,2), weight DOUBLE PRECISION, placed TIMESTAMP, day DATE,
  note VARCHAR(200));
CREATE TABLE new_orders (external_id VARCHAR(40), total DECIMAL(14,4), weight DOUBLE PRECISION, placed TIMESTAMP, day DATE,
  note VARCHAR(200));
CREATE INDEX new_orders_by_id ON new_orders (external_id)""",
}
_FILL = text(
    "INSERT INTO orders (id, total, weight, placed, day, note) VALUES (:id, :total, :weight, :placed, :day, :note)"
)
_STORE = text("INSERT INTO new_orders VALUES (:external_id, :total, :weight, :placed, :day, :note)")


@dataclass(frozen=True)
class Stage:
    """job: loaded anew by `write`. api: its script decides what is stored: see `storing`."""

    folder: Path
    url: str
    database: Database
    api: Api

    @property
    def job(self) -> Job:
        return load(self.folder / "job.yaml", environment={})

    def write(self, verify: str = VERIFY) -> None:
        """The job file, with this `verify:` part."""
        (self.folder / "job.yaml").write_text(
            JOB.format(url=self.url, port=self.api.port, verify=verify.format(url=self.url, port=self.api.port))
        )

    async def add(self, ids: Sequence[int]) -> None:
        async with self.database.writing() as connection:
            await connection.execute(_FILL, [self._old(number) for number in ids])

    def _old(self, number: int) -> dict[str, object]:
        placed: object = datetime(2024, 3, 10, 8, 0) + timedelta(minutes=number)  # noqa: DTZ001  # as old tables hold it
        day: object = date(2020, 1, 1) + timedelta(days=number % 900)
        total: object = Decimal(number * 7) / 100
        if self.database.kind == "sqlite":
            placed, day, total = str(placed), str(day), str(total)
        return {
            "id": number,
            "total": total,
            "weight": number / 3,
            "placed": placed,
            "day": day if number % 3 else None,
            "note": f"très bien 🎉 {number}" if number % 5 else None,
        }

    async def store(self, asked: Asked) -> Reply:
        """What a good API does with an order."""
        body = json.loads(asked.content.partition(b"\r\n\r\n")[2], parse_float=Decimal)
        placed: object = datetime.fromisoformat(body["placed"]).astimezone(UTC).replace(tzinfo=None)
        day: object = None if body["day"] is None else date.fromisoformat(body["day"])
        total: object = Decimal(body["total"])
        if self.database.kind == "sqlite":
            placed, day, total = str(placed), None if day is None else str(day), str(total)
        record = {
            "external_id": str(body["id"]),
            "total": total,
            "weight": None if body["weight"] is None else float(body["weight"]),
            "placed": placed,
            "day": day,
            "note": body["note"],
        }
        async with self.database.writing() as connection:
            await connection.execute(_STORE, [record])
        return (await accept(asked)) or Reply()

    async def run(self) -> Summary:
        return await run_job(self.job, RunOptions(), Stop())

    async def change(self, *statements: str) -> None:
        async with self.database.writing() as connection:
            for statement in statements:
                await connection.execute(text(statement))

    async def ask(self, query: str) -> Sequence[Sequence[object]]:
        async with self.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(query))]

    async def verify(self, scope: Scope | None = None) -> list[Finding]:
        async with (
            open_verification(self.job, second_look_after=0.0) as verification,
            aclosing(verification.findings(scope or Scope())) as found,
        ):
            return [finding async for finding in found]

    async def fix(self, *, is_sure: bool = False, renew_keys: bool = False) -> Repaired:
        """Verify, and mend what was found."""
        async with open_verification(self.job, second_look_after=0.0) as verification:
            async with aclosing(verification.findings(Scope())) as found:
                async for _ in found:
                    pass
            return await verification.fix(is_sure=is_sure, renew_keys=renew_keys)

    async def rows(self) -> dict[str, LedgerRow]:
        """All that the ledger knows, by key."""
        async with open_read_model(self.job) as model:
            return {row.key: row for row in await model.rows(frozenset(RowState), None, 100_000)}

    async def counts(self) -> Counts:
        async with open_read_model(self.job) as model:
            return await model.counts()


@asynccontextmanager
async def staged(folder: Path, url: str, rows: int = 20) -> AsyncIterator[Stage]:
    """So many orders in the old shop, none delivered yet."""
    database = open_database(SecretStr(url), folder=str(folder))
    try:
        async with serving(accept) as api:
            stage = Stage(folder, url, database, api)
            api.script = stage.store
            await stage.change(*_TABLES[database.kind].split(";"))
            await stage.add(range(1, rows + 1))
            stage.write()
            await prepare_job(stage.job, undo=False)
            yield stage
    finally:
        await database.aclose()
