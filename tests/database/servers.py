"""What the tests say to each kind of server in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    """rows: a SELECT of so many rows, a number and so many x each. sleep: for 20 s. short_...: how long to wait for a lock, and
    for a statement, from now on."""

    rows: str
    own_session: str
    kill: str
    sleep: str
    endless: str
    short_lock: str
    short_statement: str

    def many(self, number: int, size: int) -> str:
        return self.rows.format(number=number, size=size)


WORDS: Mapping[str, Words] = {
    "mysql": Words(
        rows="SELECT seq, REPEAT('x', {size}) FROM seq_1_to_{number}",
        own_session="SELECT CONNECTION_ID()",
        kill="KILL {}",
        sleep="SELECT SLEEP(20), 'stale'",
        endless="SELECT a.seq FROM seq_1_to_100000 a JOIN seq_1_to_100000 b ON a.seq <> b.seq HAVING a.seq < 0",
        short_lock="SET SESSION innodb_lock_wait_timeout = 1",
        short_statement="SET SESSION max_statement_time = 0.2",
    ),
    "postgresql": Words(
        rows="SELECT n, REPEAT('x', {size}) FROM generate_series(1, {number}) AS n",
        own_session="SELECT pg_backend_pid()",
        kill="SELECT pg_terminate_backend({})",
        sleep="SELECT pg_sleep(20), 'stale'",
        endless="SELECT a FROM generate_series(1, 100000) AS a JOIN generate_series(1, 100000) AS b ON a <> b WHERE a + b < 0",
        short_lock="SET lock_timeout = '0.2s'",
        short_statement="SET statement_timeout = '0.2s'",
    ),
}


def words_of(url: str) -> Words:
    return WORDS[url.partition(":")[0]]
