"""Numbers of the job, and what follows from them."""

from __future__ import annotations

import math

import pytest

from penstock.engine.parts import Settings

SENT = 1_763_945_000.0  # when the row may first have been applied
PERIOD, TOTAL = 3600.0, 30.0


def settings(idempotent_for: float | None) -> Settings:
    return Settings(
        idempotent=True,
        idempotent_for=idempotent_for,
        attempts=8,
        first_backoff=0.2,
        longest_backoff=30.0,
        total_timeout=TOTAL,
        lease=75.0,
        max_in_doubt=1000,
        concurrency=8,
        adapts=False,
        max_concurrency=256,
        rate=math.inf,
        give_up_after=math.inf,
        stop_at=math.inf,
        refuses_flagged=False,
    )


@pytest.mark.parametrize(
    ("first_sent", "now", "may_harm"),
    [
        (None, SENT + 10 * PERIOD, False),
        (SENT, SENT + PERIOD - TOTAL, False),
        (SENT, SENT + PERIOD - TOTAL + 0.1, True),  # it could arrive when the API has forgotten its key
        (SENT, SENT + PERIOD, True),
    ],
)
def test_h50_no_repeat_begins_that_could_end_when_it_is_harmless_no_longer(
    first_sent: float | None, now: float, *, may_harm: bool
) -> None:
    assert settings(PERIOD).repeat_may_harm(first_sent, now) is may_harm
    assert not settings(None).repeat_may_harm(first_sent, now), "harmless for ever"
