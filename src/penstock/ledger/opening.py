"""Opening the ledger of a job: as the engine's port, or to look at it. `desk` opens it for what a person does."""

from __future__ import annotations

from penstock.database.connect import Database
from penstock.ledger.base import IsDead
from penstock.ledger.dialect import dialect_of
from penstock.ledger.jobrow import find_or_create_job
from penstock.ledger.reading import SqlReadModel
from penstock.ledger.store import SqlLedger
from penstock.ledger.transactions import Transactions
from penstock.ledger.usable import refuse_unusable


def nobody(_owner: str) -> bool:
    return False


async def open_ledger(database: Database, job_name: str, *, is_dead: IsDead = nobody) -> SqlLedger:
    """The engine's port. `aclose` closes the database too. is_dead: see IsDead; without it no silent worker is given up early.

    Raises LedgerMissing if the tables are not there, LedgerRefused if they are another version's, another machine's (SQLite), or
    on a server too old, LedgerUnreachable.
    """
    transactions = Transactions(database)
    await refuse_unusable(transactions)
    dialect = dialect_of(database.kind)
    job_id = await find_or_create_job(transactions, dialect, job_name)
    return SqlLedger(transactions, dialect, job_id, job_name, is_dead)


async def read_model(database: Database, job_name: str, *, is_dead: IsDead = nobody) -> SqlReadModel:
    """What status, rows and show look at; the job need not have been run yet. Raises as `open_ledger` does."""
    transactions = Transactions(database)
    await refuse_unusable(transactions)
    return SqlReadModel(transactions, dialect_of(database.kind), job_name, is_dead)
