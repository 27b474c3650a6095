"""The Idempotency-Key of a row."""

from __future__ import annotations

from penstock.engine.idempotency import IdempotencyKeys

JOB, TARGET = "orders", "https://api.example.com/v2/orders"


def test_a_row_has_one_key_wherever_it_is_asked_for() -> None:
    key = IdempotencyKeys(JOB, TARGET, 1).of('"A-17"')
    assert key == IdempotencyKeys(JOB, TARGET, 1).of('"A-17"')
    assert len(key) == 32


def test_another_row_job_target_or_generation_has_another_key() -> None:
    keys = [
        IdempotencyKeys(JOB, TARGET, 1).of("17"),
        IdempotencyKeys(JOB, TARGET, 1).of("18"),
        IdempotencyKeys("invoices", TARGET, 1).of("17"),
        IdempotencyKeys(JOB, TARGET + "/17", 1).of("17"),
        IdempotencyKeys(JOB, TARGET, 2).of("17"),
    ]
    assert len(set(keys)) == len(keys)
