"""Every order of a joined query arrives once and as it stands in the source, wherever the ledger lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.journey.conftest import Journey


def check_that_all_of_it_arrived(journey: Journey) -> None:
    journey.call("prepare")
    summary = journey.summary()
    proof = journey.prove()
    assert proof.holds, proof
    assert summary["imported"] == proof.expected
    assert (summary["failed"], summary["in_doubt"], summary["skipped"], summary["pending"]) == (0, 0, 0, 0)
    assert journey.touched() == 0
    again = journey.summary()
    assert again["imported"] == proof.expected
    assert again["run"]["sent"] == again["run"]["attempts"] == 0


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "not idempotent"])
def test_with_the_ledger_beside_the_source(honest: Journey, idempotent: bool) -> None:
    honest.write_job(idempotent=idempotent)
    check_that_all_of_it_arrived(honest)


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "not idempotent"])
def test_with_the_ledger_in_a_file_of_its_own(honest: Journey, tmp_path: Path, idempotent: bool) -> None:
    honest.write_job(idempotent=idempotent, ledger="sqlite:///ledger.db")
    check_that_all_of_it_arrived(honest)
