"""What status tells of a job."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from penstock.insights.overview import Overview
from penstock.insights.totals import unclaimed
from penstock.ledger.rows import Counts
from penstock.ledger.workers import Control, Pulse, Worker

COUNTS = Counts(imported=10, failed=1, in_doubt=2, skipped=3, pending=40, claimed=15, pending_exact=False, ahead=20)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
AT_WORK = Worker("owner", "host", 1, NOW, NOW, True, Pulse(4, 10.0, 8, ""))


def test_what_is_claimed_is_not_pending_as_well() -> None:
    assert unclaimed(COUNTS) == 45
    assert unclaimed(COUNTS) + COUNTS.claimed == 40 + 20


@pytest.mark.parametrize(("paused", "left"), [(False, 6.0), (True, None)])
def test_a_paused_job_has_no_time_left(paused: bool, left: float | None) -> None:
    control = Control(paused=paused, rate=None, concurrency=None, workers=1)
    assert Overview("orders", COUNTS, control, (AT_WORK,), ()).seconds_left == left
