"""Mistakes about databases: where they are, who may do what there."""

from __future__ import annotations

from tests.mistakes.mistake import CHECK_AND_RUN, PREPARED, Mistake, add, environment, source, sql
from tests.mistakes.servers import as_user

_LEDGER_TABLES = ("jobs", "ranges", "rows", "windows", "events", "workers", "schema")
_LOOK = "look at the user and the password in source.url, and at what they are granted"

TITLE = "Databases"

MISTAKES = (
    Mistake(
        "an SQLite file that is not there",
        (source("sqlite:///shpo.db"),),
        "there is no file <folder>/shpo.db; correct source.query, source.flag or source.url",
    ),
    Mistake(
        "a folder instead of an SQLite file",
        (source("sqlite:///."),),
        "looking at the query from <folder>: <folder> is a folder; correct source.query, source.flag or source.url",
    ),
    Mistake(
        "a text instead of an SQLite file",
        (source("sqlite:///orders.yaml"),),
        "looking at the query from <folder>/orders.yaml: file is not a database; correct source.query or source.flag",
    ),
    Mistake(
        "a host that does not exist",
        (source("mysql://reader:${API_TOKEN}@db.nowhere.invalid/legacy"),),
        "looking at the query from db.nowhere.invalid:3306/legacy: Can't connect to MySQL server on 'db.nowhere.invalid' "
        "([Errno -2] Name or service not known); if it stays so, look at source.url",
        code=3,
    ),
    Mistake(
        "a port at which nobody listens",
        (source("mysql://reader:${API_TOKEN}@127.0.0.1:1/legacy"),),
        "looking at the query from 127.0.0.1:1/legacy: Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection "
        "refused); if it stays so, look at source.url",
        code=3,
    ),
    Mistake(
        "a port at which nobody listens, asked for the ledger",
        (source("mysql://reader:${API_TOKEN}@127.0.0.1:1/legacy"),),
        "the ledger at 127.0.0.1:1/legacy: the connection is lost or the server is not there (Can't connect to MySQL server "
        "on '127.0.0.1' ([Errno 111] Connection refused)); if it stays so, look at ledger.url",
        ("status orders.yaml", "rows orders.yaml", "show orders.yaml 1", "pause orders.yaml", "retry orders.yaml"),
        code=3,
        do="Without a `ledger.url` of its own the ledger lies in the source's database.",
    ),
    Mistake(
        "a database that does not exist",
        (source("mysql://penstock:penstock@<server>/legcy"),),
        "looking at the query from <server>/legcy: Unknown database 'legcy'; correct source.query, source.flag or source.url",
        on="mariadb",
    ),
    Mistake(
        "a wrong password",
        (as_user("SELECT ON <database>.*"), environment("OLD_DB_PASSWORD", "canary-of-last-year")),
        f"looking at the query from <server>/<database>: Access denied for user '<user>'@'127.0.0.1' (using "
        f"password: YES); {_LOOK}",
        on="mariadb",
    ),
    Mistake(
        "a user who may not read a column",
        (as_user("SELECT (id) ON <database>.orders"),),
        "looking at the query from <server>/<database>: SELECT command denied to user '<user>'@'127.0.0.1' for column "
        f"'order_no' in table 'orders'; {_LOOK}",
        on="mariadb",
    ),
    Mistake(
        "a user who may not make the ledger",
        (as_user("SELECT ON <database>.*"),),
        "the ledger at <server>/<database> may not be used (CREATE command denied to user '<user>'@'127.0.0.1' for table "
        "`<database>`.`penstock_events`): look at the user and the password in ledger.url; it needs SELECT, INSERT, UPDATE and "
        "DELETE on the penstock_* tables, and CREATE for `penstock prepare`",
        ("prepare orders.yaml",),
        on="mariadb",
        do="Or put the ledger into another database: [a source that may only be read](../how-to/read-only-source.md).",
    ),
    Mistake(
        "a user who may not set the flag",
        (
            PREPARED,
            as_user("SELECT ON <database>.*", *(f"ALL ON <database>.penstock_{name}" for name in _LEDGER_TABLES)),
        ),
        "GRANT UPDATE (is_import) ON orders, or leave source.flag out",
        CHECK_AND_RUN,
        on="mariadb",
    ),
    Mistake(
        "a ledger in a folder that is not there",
        (add("ledger: {url: 'sqlite:///nosuch/ledger.db'}\n"),),
        "<folder>/nosuch/ledger.db holds no ledger, or not all of it (there is no folder <folder>/nosuch): run "
        "`penstock prepare orders.yaml`, or correct ledger.url",
        ("prepare orders.yaml",),
    ),
    Mistake(
        "a ledger file that was never made",
        (PREPARED, add("ledger: {url: 'sqlite:///ledger.db'}\n")),
        "there is no file <folder>/ledger.db: run `penstock prepare orders.yaml`, or correct ledger.url",
        ("run orders.yaml", "status orders.yaml", "rows orders.yaml", "pause orders.yaml", "retry orders.yaml"),
    ),
    Mistake(
        "a table that lost a column while penstock was away",
        (PREPARED, sql("ALTER TABLE orders RENAME COLUMN order_no TO number")),
        "looking at the query from <folder>/shop.db: no such column: order_no; correct source.query, source.flag or source.url",
        CHECK_AND_RUN,
    ),
    Mistake(
        "a host that does not exist",
        (source("postgresql://reader:${API_TOKEN}@db.nowhere.invalid/legacy"),),
        "looking at the query from db.nowhere.invalid:5432/legacy: Name or service not known; if it stays so, look at "
        "source.url",
        code=3,
        on="postgresql",
    ),
    Mistake(
        "a database that does not exist",
        (source("postgresql://penstock:penstock@<server>/legcy"),),
        'looking at the query from <server>/legcy: database "legcy" does not exist; correct source.query, source.flag or '
        "source.url",
        on="postgresql",
    ),
    Mistake(
        "a wrong password",
        (source("postgresql://nobody:${API_TOKEN}@<server>/<database>"),),
        f'looking at the query from <server>/<database>: password authentication failed for user "nobody"; {_LOOK}',
        on="postgresql",
    ),
    Mistake(
        "a server that takes no writes",
        (PREPARED, sql("ALTER DATABASE <database> SET default_transaction_read_only = on")),
        "the server is read-only, so orders.is_import cannot be set",
        CHECK_AND_RUN,
        on="postgresql",
        do="A replica takes no writes: name the primary, or keep the ledger elsewhere and leave the flag out.",
    ),
    Mistake(
        "a server that takes no writes, asked to prepare",
        (sql("ALTER DATABASE <database> SET default_transaction_read_only = on"),),
        "the ledger at <server>/<database>: the server takes no writes (cannot execute CREATE TABLE in a read-only transaction); "
        "if it stays so, look at ledger.url",
        ("prepare orders.yaml",),
        code=3,
        on="postgresql",
    ),
    Mistake(
        "an option of another driver",
        (source("postgresql://reader:canary@127.0.0.1/legacy?charset=utf8"),),
        "orders.yaml:3: source.url: 'postgresql://***@127.0.0.1/legacy?***' is refused: the postgresql URL has "
        "the option 'charset', which is not known there: only ",
    ),
)
