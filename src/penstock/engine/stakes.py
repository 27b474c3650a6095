"""This worker's part of what the job may do altogether: what each heartbeat tells of it, and what becomes of the answer."""

from __future__ import annotations

import math

from penstock.ledger.workers import Control
from penstock.ledger.workers import Stake as Told
from penstock.pacing.appetite import Appetite
from penstock.pacing.shares import share_of_count, share_of_rate
from penstock.pacing.stake import Stake, wished_rate


class Stakes:
    """rate: requests per second that this worker may send at most, whatever its share. Good for a whole run: what the ledger was
    told by a worker that gave way stands there when it begins anew."""

    def __init__(self, rate: float) -> None:
        self.appetite = Appetite()
        self._most = rate
        self._concurrency = Stake()
        self._rate = Stake()

    @property
    def concurrency(self) -> int:
        """Requests on the wire at once."""
        return int(self._concurrency.use)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return min(self._rate.use, self._most)

    def telling(self, in_flight: int) -> Told:
        return Told(self._concurrency.telling(in_flight), self._rate.telling())

    def missed(self, told: Told) -> None:
        self._concurrency.missed(told.concurrency)
        self._rate.missed(told.rate)

    def heard(
        self, told: Told, control: Control, *, concurrency: int, rate: float, in_flight: int, is_leaving: bool
    ) -> bool:
        """concurrency, rate: of the whole job. in_flight: of this worker. is_leaving: nothing more goes out. Returns
        whether the next heartbeat should come soon."""
        part = 0 if is_leaving else share_of_count(concurrency, control.workers, control.rank)
        requests_changed = self._concurrency.heard(
            told.concurrency,
            wish=part,
            total=concurrency,
            elsewhere=sum(stake.concurrency for stake in control.stakes),
            at_least=in_flight,
        )
        others = [stake.rate for stake in control.stakes]
        rate_changed = self._rate.heard(
            told.rate,
            wish=self._wished_rate(rate, min(control.workers, concurrency), told.rate, others) if part else 0.0,
            total=rate,
            elsewhere=sum(others),
        )
        return requests_changed or rate_changed

    def _wished_rate(self, total: float, workers: int, told: float, others: list[float]) -> float:
        wish = wished_rate(total, share_of_rate(total, workers), self._rate, told, others, self.appetite.need)
        return wish if total == math.inf else min(wish, self._most)
