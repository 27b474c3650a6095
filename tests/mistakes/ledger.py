"""Mistakes about the ledger: not there, somebody else's, another version's, or asked for what it does not know."""

from __future__ import annotations

from tests.mistakes.mistake import (
    DELIVERED,
    PREPARED,
    WITHOUT_FLAG,
    Mistake,
    Step,
    add,
    copy,
    edit,
    query,
    source,
    sql,
)
from tests.mistakes.world import SHOP, SqliteFile, World

from penstock import __version__

_EVERY_LOOK = ("status orders.yaml", "rows orders.yaml", "show orders.yaml 1")
_EVERY_ACT = (
    "pause orders.yaml",
    "resume orders.yaml",
    "set orders.yaml rate=5/s",
    "retry orders.yaml",
    "resolve orders.yaml --all --as failed --note gone",
    "reset orders.yaml --yes",
)
_RUN = ("run orders.yaml",)


def _another_shop(world: World) -> None:
    SqliteFile(world.folder / "new.db").execute(*SHOP)


# A worker on another machine, a moment ago.
_LIVE_WORKER: Step = sql(
    "INSERT INTO penstock_workers (job_id, owner, host, pid, file_hash, started_at, seen_at, alive_until)"
    " SELECT job_id, 'somebody', 'elsewhere', 7, 'another', '2999-01-01', '2999-01-01', '2999-01-01' FROM penstock_jobs"
)

# The same, of the next minor version.
_LIVE_WORKER_OF_ANOTHER_PENSTOCK: Step = sql(
    "INSERT INTO penstock_workers (job_id, owner, host, pid, version, file_hash, started_at, seen_at, alive_until)"
    " SELECT job_id, 'somebody', 'elsewhere', 7, '99.0.1', file_hash, '2999-01-01', '2999-01-01', '2999-01-01' FROM penstock_jobs"
)

TITLE = "The ledger"

MISTAKES = (
    Mistake(
        "no ledger yet",
        (),
        "<folder>/shop.db holds no ledger, or not all of it (no such table: penstock_schema): run `penstock prepare orders.yaml`",
        (*_EVERY_LOOK, *_EVERY_ACT),
    ),
    Mistake(
        "no ledger yet, told by check",
        (),
        "ledger: <folder>/shop.db holds no ledger yet; penstock prepare orders.yaml",
        ("check orders.yaml",),
    ),
    Mistake(
        "a run before prepare",
        (WITHOUT_FLAG,),
        "<folder>/shop.db holds no ledger, or not all of it (no such table: penstock_schema): run `penstock prepare orders.yaml`",
        _RUN,
    ),
    Mistake(
        "a run before prepare, where a flag is due",
        (),
        "the table orders has no column 'is_import'; run `penstock prepare orders.yaml`",
        _RUN,
    ),
    Mistake(
        "half a ledger",
        (PREPARED, DELIVERED, sql("DROP TABLE penstock_rows")),
        "<folder>/shop.db holds no ledger, or not all of it (no such table: penstock_rows): run `penstock prepare orders.yaml`, "
        "or correct ledger.url",
        ("rows orders.yaml", "show orders.yaml 1"),
        do="`prepare` makes what is missing. Rows that were in it are not known any more: they would be sent again.",
    ),
    Mistake(
        "a ledger of a newer version",
        (PREPARED, sql("UPDATE penstock_schema SET version = 99")),
        "the ledger at <folder>/shop.db was made by a newer penstock (version 99, this one knows 2): update penstock",
        ("check orders.yaml", "prepare orders.yaml", *_RUN, *_EVERY_LOOK, *_EVERY_ACT),
    ),
    Mistake(
        "a ledger of an older version",
        (PREPARED, sql("UPDATE penstock_schema SET version = 1")),
        "the ledger at <folder>/shop.db was made by an older penstock (version 1, this one needs 2): `penstock prepare ",
        ("check orders.yaml", *_RUN, *_EVERY_LOOK, *_EVERY_ACT),
    ),
    Mistake(
        "an SQLite ledger from another machine",
        (PREPARED, sql("UPDATE penstock_schema SET host = 'elsewhere'")),
        "the SQLite ledger <folder>/shop.db serves the machine elsewhere, this is <host>: use a MariaDB, MySQL or PostgreSQL "
        "ledger for several machines, or `penstock prepare ",
        ("check orders.yaml", *_RUN, *_EVERY_LOOK, *_EVERY_ACT),
        do="Two machines on one SQLite file (a network drive) would corrupt it.",
    ),
    Mistake(
        "another key than before",
        (PREPARED, DELIVERED, edit("key: id", "key: order_no"), WITHOUT_FLAG),
        "the ledger knows job 'orders' by the key id, the file says order_no: set source.key back, give this job another name, "
        "or `penstock reset orders.yaml --yes` to forget what was done",
        _RUN,
    ),
    Mistake(
        "another source than before",
        (
            PREPARED,
            DELIVERED,
            _another_shop,
            source("sqlite:///new.db"),
            add("ledger: {url: <source>}\n"),
            WITHOUT_FLAG,
        ),
        "the ledger knows job 'orders' with another source (server, database or the key's table): set source.url and "
        "source.query back, give this job another name, or `penstock reset orders.yaml --yes` to forget what was done",
        _RUN,
    ),
    Mistake(
        "another file while a worker of the first is at work",
        (PREPARED, DELIVERED, _LIVE_WORKER, edit("give_up_after: 300ms", "give_up_after: 400ms")),
        "job 'orders' is being run from another version of its file (pid 7 on elsewhere): stop it first, or start this one "
        "again once that worker has been silent for a minute",
        _RUN,
    ),
    Mistake(
        "another version of penstock than the other machine's",
        (PREPARED, DELIVERED, _LIVE_WORKER_OF_ANOTHER_PENSTOCK),
        f"job 'orders' is being run by penstock 99.0.1 (pid 7 on elsewhere), and this is penstock {__version__}: versions to "
        "which a job file may mean different things do not share a job. Install the same version here, or stop that worker first",
        _RUN,
    ),
    Mistake(
        "reset while a worker is at work",
        (PREPARED, DELIVERED, _LIVE_WORKER),
        "job 'orders' is being run (pid 7 on elsewhere): stop it first; after a crash it counts as gone within a minute or so",
        ("reset orders.yaml --yes",),
    ),
    Mistake(
        "reset without thinking",
        (PREPARED, DELIVERED),
        "this would forget what became of 3 rows, 3 of them imported; a run would send them again. To do it, add --yes",
        ("reset orders.yaml",),
    ),
    Mistake(
        "undoing prepare after a delivery",
        (PREPARED, DELIVERED),
        "the ledger at <folder>/shop.db remembers delivered rows: `penstock reset orders.yaml --yes` forgets those of a job; "
        "then undo again",
        ("prepare orders.yaml --undo",),
    ),
    Mistake(
        "undoing prepare while a worker is at work",
        (PREPARED, DELIVERED, _LIVE_WORKER),
        "the ledger at <folder>/shop.db is being used (pid 7 on elsewhere): stop that run first; after a crash it counts as "
        "gone within a minute or so",
        ("prepare orders.yaml --undo",),
    ),
    Mistake(
        "two jobs of one name",
        (PREPARED, copy("copy.yaml")),
        "copy.yaml and orders.yaml both declare the job 'orders'; give each its own name",
        ("check orders.yaml copy.yaml", "run orders.yaml copy.yaml"),
    ),
    Mistake(
        "one file twice",
        (PREPARED,),
        "orders.yaml is named twice; once is enough: a run delivers until nothing is pending",
        ("run orders.yaml orders.yaml", "check orders.yaml orders.yaml"),
    ),
    Mistake(
        "two files, one of them not a job",
        (PREPARED, copy("copy.yaml"), edit("name: orders", "nme: orders", "copy.yaml")),
        "copy.yaml:1: nme: is no key that penstock knows; did you mean 'name'?",
        ("check orders.yaml copy.yaml", "run orders.yaml copy.yaml"),
        do="No row of the other one was sent: every file is read before the first run begins.",
    ),
    Mistake(
        "two files, one of them with a query that fails",
        (
            PREPARED,
            DELIVERED,
            copy("copy.yaml"),
            edit("name: orders", "name: copy", "copy.yaml"),
            edit("total FROM", "totl FROM", "copy.yaml"),
        ),
        "copy.yaml: looking at the query from <folder>/shop.db: no such column: totl; correct source.query, source.flag or "
        "source.url",
        ("run orders.yaml copy.yaml",),
        leaves=lambda world: None,
    ),
    Mistake(
        "a key that no row has",
        (PREPARED, DELIVERED),
        "the query of job 'orders' shows no row with the key 99; write the key as the query shows id",
        ("run orders.yaml --key 99",),
    ),
    Mistake(
        "a key that no row can have",
        (PREPARED, DELIVERED),
        "no row with the key [1,2]: it does not fit id",
        (
            "run orders.yaml --key [1,2]",
            "show orders.yaml [1,2]",
            "retry orders.yaml --key [1,2]",
            "resolve orders.yaml --key [1,2] --as failed --note gone",
        ),
    ),
    Mistake(
        "a key that was delivered",
        (PREPARED, DELIVERED),
        "1: the ledger has a final state for each of these rows; `penstock show orders.yaml KEY` tells which, `penstock retry "
        "orders.yaml --key KEY` makes a failed one pending again",
        ("run orders.yaml --key 1",),
        leaves=lambda world: None,
    ),
    Mistake(
        "a query that a join has made empty",
        (PREPARED, query("SELECT id, order_no, total FROM orders WHERE total > 1000")),
        "0 imported, 0 rows sent",
        _RUN,
        code=0,
        has_json=False,
        leaves=lambda world: None,
        do="No mistake that penstock could know: `check` tells how many rows there are, and shows the first ones.",
    ),
)
