"""Opening the people's desk of a job's ledger."""

from __future__ import annotations

import socket
from functools import partial

from penstock.database.connect import Database
from penstock.ledger.base import IsDead
from penstock.ledger.dialect import dialect_of
from penstock.ledger.opening import nobody
from penstock.ledger.people import SqlPeopleDesk
from penstock.ledger.transactions import Transactions
from penstock.ledger.usable import refuse_unusable


def people_desk(database: Database, job_name: str, *, is_dead: IsDead = nobody) -> SqlPeopleDesk:
    """What a person does by command. Nothing is asked of the database yet: `prepare` works on one without tables."""
    transactions = Transactions(database)
    return SqlPeopleDesk(
        transactions,
        dialect_of(database.kind),
        job_name,
        is_dead,
        check=partial(refuse_unusable, transactions),
        host=socket.gethostname(),
    )
