"""A worker in a process of its own: plans spans and settles them until it has done its share. For test_ledger_processes.

python -m tests.ledger.settling_process URL OWNER SPANS
"""

from __future__ import annotations

import asyncio
import sys

from pydantic import SecretStr
from tests.ledger.contract.bench import JOB, SECONDS, identity, imported, last_portion, marked, portion

from penstock.database.connect import open_database
from penstock.ledger.opening import open_ledger
from penstock.ledger.ranges import WindowKey

ROWS = 20


async def work(url: str, owner: str, spans: int) -> None:
    ledger = await open_ledger(open_database(SecretStr(url)), JOB)
    await ledger.join(identity(), owner, "here", 1)
    done = 0
    while done < spans:
        cursor = await ledger.cursor()
        start = int(cursor or 0)
        lease = await ledger.plan(cursor, str(start + 2 * ROWS), 2 * ROWS, owner, SECONDS)
        if lease is None:
            continue  # the other one was faster
        keys = [str(number) for number in range(start, start + 2 * ROWS)]
        await ledger.open_window(lease, 1, [WindowKey(key) for key in keys], 30.0)
        await ledger.settle([portion(lease, 1, imported(*keys[:ROWS]))], marked)
        await ledger.settle([last_portion(lease, 2, imported(*keys[ROWS:]))], marked)
        done += 1
    await ledger.leave(owner, "done")
    await ledger.aclose()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], int(sys.argv[3])))
