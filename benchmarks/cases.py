"""What is measured: who, against which API, with how many rows.

Slow peers get fewer rows, so that a run of everything ends within a quarter of an hour.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.ours import BareSender, Penstock
from benchmarks.peer import NodePeer, Peer, PythonPeer

FEWEST_ROWS = 200
OURS = "penstock"


@dataclass(frozen=True, slots=True)
class Case:
    """part: the word by which it is chosen. title: how the table calls it. delay: of the API, milliseconds.

    divisor: of the rows that a whole run moves, the share that this one gets.
    """

    part: str
    title: str
    peer: Peer
    divisor: int
    delay: int = 0
    in_flight: int = 64
    tls: bool = False

    def rows(self, whole: int) -> int:
        return max(min(FEWEST_ROWS, whole), whole // self.divisor)

    def delayed(self, delay: int, divisor: int, in_flight: int = 64) -> Case:
        return replace(self, delay=delay, divisor=divisor, in_flight=in_flight)


PENSTOCK = Case(OURS, "**penstock**", Penstock(idempotent=True), 1)
PENSTOCK_ONCE = Case(OURS, "**penstock**, `idempotent: false`", Penstock(idempotent=False), 1)
PENSTOCK_TLS = replace(PENSTOCK, title="**penstock**, TLS", tls=True)
BROKER = Case("broker", "**penstock**, RabbitMQ hands the ranges out", Penstock(idempotent=True, by_broker=True), 1)
PROCESSES = 8
_MANY = Penstock(idempotent=True, processes=PROCESSES)
MANY = Case("machines", f"**penstock**, {PROCESSES} processes", _MANY, 1, delay=20, in_flight=64 * PROCESSES)
MANY_BY_BROKER = replace(
    MANY, title=f"**penstock**, {PROCESSES} processes, by RabbitMQ", peer=replace(_MANY, by_broker=True)
)
SENDER = Case("sender", "its sender alone, no database", BareSender(), 1)
SENDER_TLS = replace(SENDER, title="its sender alone, TLS", tls=True)
NODE = Case("node", "Node: undici, mysql2, marks in batches", NodePeer("migrate.mjs"), 1)
AFTERNOON = Case(
    "afternoon", "aiohttp, a semaphore, aiomysql, one UPDATE a row", PythonPeer("afternoon.py", "afternoon"), 10
)
DLT_AIOHTTP = Case(
    "dlt", "dlt, custom destination with aiohttp", PythonPeer("dlt_destination.py", "dlt", ("aiohttp",)), 10
)
DLT_REQUESTS = Case(
    "dlt", "dlt, custom destination with requests", PythonPeer("dlt_destination.py", "dlt", ("requests",)), 25
)
_THREADS = PythonPeer("threads_and_lock.py", "threads-and-lock", ("step",))
THREADS = Case("threads", "threads, one lock around the whole step, requests, one UPDATE a row", _THREADS, 50)
THREADS_REVIEWED = Case(
    "threads", "the same, the lock around each statement alone", replace(_THREADS, arguments=("statement",)), 25
)
_DRT = PythonPeer("drt_project.py", "drt", ("1",), flags=False)
DRT = Case("drt", "drt, one sync", _DRT, 50, in_flight=1)
DRT_THREADS = Case("drt", "drt, 16 syncs on 16 threads", replace(_DRT, arguments=("16",)), 25)

CASES = (
    PENSTOCK,
    PENSTOCK_ONCE,
    PENSTOCK_TLS,
    BROKER,
    SENDER,
    SENDER_TLS,
    NODE,
    AFTERNOON,
    DLT_AIOHTTP,
    DLT_REQUESTS,
    THREADS,
    THREADS_REVIEWED,
    DRT,
    DRT_THREADS,
    PENSTOCK.delayed(5, 1, in_flight=256),
    DRT.delayed(5, 100, in_flight=1),
    PENSTOCK.delayed(20, 2),
    PENSTOCK_ONCE.delayed(20, 2),
    SENDER.delayed(20, 2),
    NODE.delayed(20, 2),
    AFTERNOON.delayed(20, 10),
    DLT_AIOHTTP.delayed(20, 10),
    DLT_REQUESTS.delayed(20, 25),
    THREADS.delayed(20, 500),
    THREADS_REVIEWED.delayed(20, 25),
    DRT.delayed(20, 500, in_flight=1),
    DRT_THREADS.delayed(20, 25),
    PENSTOCK.delayed(20, 1, in_flight=256),
    SENDER.delayed(20, 1, in_flight=256),
    MANY,
    MANY_BY_BROKER,
)
