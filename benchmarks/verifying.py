"""How `penstock verify` fares on a large table: how long it takes, and whether its memory stays flat."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from benchmarks.documents import COLLECTION, Documents, filled
from benchmarks.figures import CommandFailed, Sample, watch
from benchmarks.rounds import say
from benchmarks.shop import Shop, multiplied

ADOPTION = "a MariaDB table, with `--adopt` before"
TABLE = "a MariaDB table"
_PENSTOCK = (sys.executable, "-m", "penstock")
_SHARE = 10  # the other run has a tenth of the rows

# The new store's own keys, what the old ones are called there, and date-times in UTC.
_MOVED = (
    """CREATE TABLE moved (
        id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, number BIGINT UNSIGNED NOT NULL UNIQUE, total DECIMAL(12, 2) NOT NULL,
        email VARCHAR(200) NOT NULL, placed DATETIME NOT NULL) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4""",
    "INSERT INTO moved (number, total, email, placed)"
    " SELECT o.id, o.total, LOWER(c.email), o.created_at - INTERVAL 8 HOUR"
    " FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.deleted = 0 ORDER BY o.id",
    "ANALYZE TABLE moved",
)
_JOB = """\
name: orders
source:
  url: {shop}
  query: |
    SELECT o.id, o.order_no, o.total, o.created_at, c.name, c.email
    FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.deleted = 0
  key: id
  flag: {{table: orders}}
  timezone: Asia/Shanghai
target: {{url: "http://127.0.0.1:9/orders"}}
"""
_OF_TABLE = """\
verify:
  url: {shop}
  query: SELECT id, number, total, email, placed FROM moved
  key: number
  timezone: UTC
  receipt: id
  compare:
    total: "{{{{ total }}}}"
    email: "{{{{ email | lower }}}}"
    placed: "{{{{ created_at }}}}"
"""
_OF_DOCUMENTS = """\
verify:
  url: {documents}
  collection: {collection}
  key: number
  compare:
    total: "{{{{ total }}}}"
    buyer.email: "{{{{ email | lower }}}}"
    placed: "{{{{ created_at }}}}"
"""


FillDocuments: TypeAlias = Callable[[Shop], Generator[Documents]]


@dataclass(frozen=True, slots=True)
class Verified:
    """what: the store, or the step. *_cpu: seconds of processor time for 10,000 rows, the start included; database_cpu: of
    MariaDB, None where it cannot be seen. megabytes_of_a_tenth: of the run with so many rows."""

    what: str
    rows: int
    rows_per_second: float
    client_cpu: float
    database_cpu: float | None
    megabytes: float
    megabytes_of_a_tenth: float


def measure(template: Shop, *, times: int, filled: FillDocuments = filled) -> list[Verified]:
    """Raises CommandFailed also where something was found, or not everything was looked at."""
    fewer = max(1, times // _SHARE)
    small = _ends(template, fewer, filled)
    whole = small if fewer == times else _ends(template, times, filled)
    return [
        verified(what, rows=template.rows * times, end=end, tenth=tenth)
        for (what, end), tenth in zip(whole.items(), small.values(), strict=True)
    ]


def verified(what: str, *, rows: int, end: Sample, tenth: Sample) -> Verified:
    tens_of_thousands = rows / 10_000
    return Verified(
        what=what,
        rows=rows,
        rows_per_second=rows / end.seconds,
        client_cpu=end.client_cpu / tens_of_thousands,
        database_cpu=None if end.database_cpu is None else end.database_cpu / tens_of_thousands,
        megabytes=end.megabytes,
        megabytes_of_a_tenth=tenth.megabytes,
    )


def _ends(template: Shop, times: int, filled: FillDocuments) -> dict[str, Sample]:
    """How each step ended."""
    say(f"making a shop of {template.rows * times:,} orders, and the new stores that have them")
    ends: dict[str, Sample] = {}
    with multiplied(template, times) as shop, TemporaryDirectory() as name:
        folder = Path(name)
        shop.server.execute(*_MOVED, database=shop.database)
        _write(folder, _OF_TABLE, shop=shop.url())
        _prepare(folder)
        ends[ADOPTION] = _verify(shop, folder, "--adopt")
        ends[TABLE] = _verify(shop, folder)
        with closing(filled(shop)) as stores:
            for documents in stores:
                _write(folder, _OF_DOCUMENTS, shop=shop.url(), documents=documents.url, collection=COLLECTION)
                ends[documents.what] = _verify(shop, folder)
    return ends


def _write(folder: Path, verify: str, **places: str) -> None:
    (folder / "orders.yaml").write_text((_JOB + verify).format(**places))


def _prepare(folder: Path) -> None:
    prepared = subprocess.run(
        [*_PENSTOCK, "prepare", "orders.yaml"], cwd=folder, check=False, capture_output=True, text=True
    )
    if prepared.returncode:
        raise CommandFailed(f"was not prepared: {prepared.stderr.strip()}")


def _verify(shop: Shop, folder: Path, *options: str) -> Sample:
    command = [*_PENSTOCK, "verify", "orders.yaml", *options]
    end = watch(command, folder=folder, api=None, database_process=shop.server.process())[-1]
    said = (folder / "output").read_text()
    if f" {shop.rows:,} rows of the source, {shop.rows:,} records" not in said:
        raise CommandFailed(f"did not look at all of {shop.rows:,} rows: {said.strip()}")
    return end
