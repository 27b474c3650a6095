"""How much of a limit that all workers share this one may use: it asks first, and takes what the others leave.

Workers only meet in the ledger, where the stake of each stands. docs/adr/0018-a-stake-is-told-before-it-is-used.md tells why the
sum of what all use is never more than the limit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# What is told soon: so much less than stands in the ledger, or so much more.
LESS, ENOUGH = 0.9, 1.02
ROOM = 1.25  # of what a worker has needed, so that it shows when it needs more
LITTLE = 0.01  # of the whole, for all those who need nothing
NEARLY = 0.99


class Need(NamedTuple):
    """How fast a worker has sent lately, requests a second, and whether it could send faster than it may."""

    lately: float
    is_short: bool


class Stake:
    """use: what this worker may use now, of whatever the limit counts. Each heartbeat tells the ledger `telling`, and then
    calls `heard` or `missed`. A new worker's stake stands in the ledger as everything (math.inf) from the moment it joins.
    """

    def __init__(self) -> None:
        self.use = 0.0
        self._wish = math.inf
        self._stood = math.inf  # at least so much has stood in the ledger since the heartbeat before

    def telling(self, at_least: float = 0.0) -> float:
        """What the next heartbeat tells: never less than is in use. at_least: what is in use besides, as requests on the wire
        from before it was less."""
        return max(self.use, self._wish, at_least)

    def missed(self, told: float) -> None:
        """The ledger did not answer: what was told stands there, or what was told before."""
        self._stood = min(self._stood, told)

    def heard(self, told: float, *, wish: float, total: float, elsewhere: float, at_least: float = 0.0) -> bool:
        """elsewhere: the sum of the others' stakes, read by the heartbeat that told this worker's. Less is used at once; more
        only of what stood in the ledger since the heartbeat before, so that whoever else took more has seen it. Returns whether
        the next heartbeat should come soon: it has something to tell, or to hear whether what was just asked for may be used."""
        left = total if total == math.inf else max(0.0, total - elsewhere)
        self.use = min(wish, max(self.use, min(self._stood, told, left)))
        has_just_asked = told > self._stood and wish > ENOUGH * self.use
        self._wish, self._stood = wish, told
        return has_just_asked or not LESS * told <= self.telling(at_least) <= ENOUGH * told


def wished_rate(total: float, part: float, stake: Stake, told: float, others: list[float], need: Need) -> float:
    """How many requests a second a worker asks for. part: what is its own if it needs it. told: what stands in the ledger of its
    stake; others: of theirs.

    Who does not need its part leaves the rest, all but a little to begin again with; who needs more takes an even part of what
    is left, and gives it back when another asks for its own: in proportion to what it has taken, as all others do.
    """
    if total == math.inf or not others:
        return total
    if not need.is_short:
        enough = ROOM * need.lately + LITTLE * total / (len(others) + 1)
        return min(stake.use, enough, max(part, total - sum(others)))
    beyond = told - part
    if beyond == math.inf or told < NEARLY * part:
        return part
    left = total - sum(others) - told
    if left >= 0.0:
        return told + left / (1 + sum(1 for other in others if other >= NEARLY * part))
    all_beyond = beyond + sum(max(0.0, other - part) for other in others if other < math.inf)
    return max(part, told + left * beyond / all_beyond) if beyond > 0.0 else part
