"""The job's own row: found or made by its name, it gives out range numbers and remembers what the job is."""

from __future__ import annotations

from secrets import token_hex

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.statements import statement
from penstock.ledger.transactions import Transactions

_FIND = statement("SELECT job_id FROM penstock_jobs WHERE name = :name")

# Two workers may come first at the same time.
_CREATE = "INSERT INTO penstock_jobs (name, created_at) VALUES (:name, {now}) {or_nothing}"

# A number is never used again, also after a reset: a late worker of long ago must not meet its range's number. The row stays
# locked until the commit, so whoever plans or adds ranges does so one after the other.
_TAKE_NUMBER = statement("UPDATE penstock_jobs SET next_range = next_range + 1 WHERE job_id = :job")
_NUMBER_TAKEN = statement("SELECT next_range - 1 FROM penstock_jobs WHERE job_id = :job")

# For one who looks at the job's ranges before making another: whoever plans, sweeps or asks for keys does so one after the other.
LOCK_JOB = "SELECT next_range FROM penstock_jobs WHERE job_id = :job {for_update}"

# The first that needs it makes it.
_MAKE_SIGNING_KEY = statement(
    "UPDATE penstock_jobs SET signing_key = :signing_key WHERE job_id = :job AND signing_key = ''"
)
_SIGNING_KEY = statement("SELECT signing_key FROM penstock_jobs WHERE job_id = :job")

_IS_IDEMPOTENT = statement("SELECT idempotent FROM penstock_jobs WHERE job_id = :job")


async def find_job(transactions: Transactions, name: str) -> int | None:
    """The job's number in this ledger; None: no worker has ever opened it."""

    async def find(connection: AsyncConnection) -> int | None:
        return (await connection.execute(_FIND, {"name": name})).scalar()

    return await transactions.read(find)


async def find_or_create_job(transactions: Transactions, dialect: LedgerDialect, name: str) -> int:
    create = dialect.statement(_CREATE, or_nothing=dialect.or_nothing("penstock_jobs"))

    async def insert(connection: AsyncConnection) -> None:
        await connection.execute(create, {"name": name})

    found = await find_job(transactions, name)
    if found is None:
        await transactions.write(insert)
        found = await find_job(transactions, name)
    if found is None:
        raise AssertionError(f"the row of job {name!r} was written and is not there")
    return found


class JobRow:
    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        self._named = {"job": job_id}

    async def take_range_no(self, connection: AsyncConnection) -> int:
        """The next range's number; locks the job's row until the end of the transaction."""
        await connection.execute(_TAKE_NUMBER, self._named)
        return int((await connection.execute(_NUMBER_TAKEN, self._named)).scalar_one())

    async def reserve_range_no(self, transactions: Transactions) -> int:
        """The same in a transaction of its own, for one that has to lock rows and ranges before the job's row. A number that is
        not used then is missing for ever, which harms nobody."""
        return await transactions.write(self.take_range_no)

    async def signing_key(self, transactions: Transactions) -> bytes:
        """See Ledger.signing_key."""

        async def make(connection: AsyncConnection) -> str:
            await connection.execute(_MAKE_SIGNING_KEY, {**self._named, "signing_key": token_hex(32)})
            return str((await connection.execute(_SIGNING_KEY, self._named)).scalar_one())

        return bytes.fromhex(await transactions.write(make))

    async def known_signing_key(self, connection: AsyncConnection) -> bytes:
        """Empty: no worker has made one."""
        return bytes.fromhex((await connection.execute(_SIGNING_KEY, self._named)).scalar_one())

    async def is_idempotent(self, connection: AsyncConnection) -> bool:
        return bool((await connection.execute(_IS_IDEMPOTENT, self._named)).scalar_one())
