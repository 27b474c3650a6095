"""A job built in Python: the same words, the same checks, the same defaults."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pydantic import SecretStr, ValidationError

from penstock.spec.models import Delivery, Job, Ledger, Source, Target, Timeout
from penstock.spec.units import ShareOrCount

OLD = SecretStr("mysql://reader:hunter2@127.0.0.1/legacy")
API = SecretStr("https://api.example.com/orders")


def to_payload(row: Mapping[str, object]) -> object:
    return {"orderNo": row["order_no"]}


def job_with(**parts: object) -> Job:
    values = {"name": "orders", "source": {"url": OLD, "table": "orders", "key": "id"}, "target": {"url": API}}
    return Job.model_validate(values | parts)


def test_a_job_is_built_of_typed_parts() -> None:
    job = Job(
        name="orders",
        source=Source(url=OLD, query="SELECT id, order_no FROM orders", key=("id",)),
        target=Target(
            url=API, headers={"Authorization": SecretStr("Bearer x")}, idempotent=True, idempotent_for=3600.0
        ),
        delivery=Delivery(timeout=Timeout(total=60.0), rate=50.0, stop_at=ShareOrCount(count=10)),
        transform=to_payload,
    )

    assert (job.ledger.url, job.ledger.lease) == (OLD, 135.0)
    assert job.target.idempotent_for == 3600.0
    assert job.transform is to_payload


def test_values_may_be_written_as_in_a_file() -> None:
    job = job_with(delivery={"rate": "30/m", "timeout": {"total": "10s"}, "stop_at": "1%"}, ledger={"lease": "2m"})

    assert (job.delivery.rate, job.delivery.timeout.total, job.delivery.stop_at) == (
        0.5,
        10.0,
        ShareOrCount(share=0.01),
    )
    assert (job.ledger.url, job.ledger.lease) == (OLD, 120.0)
    assert job.source.key == ("id",)


def test_a_ledger_of_its_own_is_kept() -> None:
    url = SecretStr("sqlite:///ledger.db")

    assert job_with(ledger=Ledger(url=url)).ledger == Ledger(url=url, lease=75.0)


def test_the_same_checks_hold_and_nothing_secret_is_told() -> None:
    with pytest.raises(ValidationError) as caught:
        job_with(
            source={"url": "mysql://reader:hunter2@127.0.0.1:x/legacy", "table": "orders", "key": ()},
            target={"url": "https://u:hunter2@h/", "headers": {"X-A": "hunter2\n", "Host": "h"}, "timeout": 3},
            delivery=Delivery(attempts=3).model_dump() | {"attempts": 0},
        )

    told = str(caught.value)
    for wrong in (
        "source.url",
        "source.key",
        "target.url",
        "target.headers.X-A",
        "target.timeout",
        "delivery.attempts",
    ):
        assert wrong in told
    assert "hunter2" not in told


def test_a_job_cannot_be_changed() -> None:
    job = job_with()

    with pytest.raises(ValidationError, match="frozen"):
        job.name = "other"


def test_the_hash_follows_the_values_but_not_the_secrets() -> None:
    job = job_with()

    assert len(job.file_hash) == 64
    assert job_with().file_hash == job.file_hash
    assert job_with(delivery={"attempts": 3}).file_hash != job.file_hash
    assert job_with(transform=to_payload).file_hash != job.file_hash
    other = job_with(source={"url": "mysql://reader:other@127.0.0.1/legacy", "table": "orders", "key": "id"})
    assert other.file_hash == job.file_hash
