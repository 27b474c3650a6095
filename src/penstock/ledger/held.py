"""Which leases this process was handed and has not lost. A range that the database says is ours and that is not among them was
leased by a COMMIT whose answer was lost, or its pipeline gave up: nobody works on it, it may be leased again at once."""

from __future__ import annotations

from penstock.ledger.ranges import Lease


class HeldLeases:
    def __init__(self) -> None:
        self._fences: dict[int, int] = {}

    def add(self, lease: Lease) -> Lease:
        self._fences[lease.range_no] = lease.fence
        return lease

    def has(self, range_no: int, fence: int) -> bool:
        return self._fences.get(range_no) == fence

    def forget(self, range_no: int) -> None:
        self._fences.pop(range_no, None)
