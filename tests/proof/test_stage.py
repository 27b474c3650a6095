"""What is collected as evidence while workers come and go."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.proof.lane import Lane
from tests.proof.processes import Nursery
from tests.proof.stage import RUN


def test_a_journal_that_is_gone_before_it_is_read_is_no_evidence(
    nursery: Nursery, sqlite_url: str, tmp_path: Path
) -> None:
    """Its worker has ended meanwhile. Other journals are evidence still."""
    with Lane(nursery, sqlite_url, tmp_path, idempotent=False, seed=1) as lane:
        lane.run("first")
        state = lane.job / "state"
        state.mkdir(exist_ok=True)
        (state / "gone.journal").symlink_to(state / "never-there")
        (state / "here.journal").write_text("an answer")
        lane.keep_texts("first")
        kept = {place: text for place, text in lane.texts.items() if "journal" in place}
    assert kept == {"here.journal after the first run": "an answer"}


def test_what_a_run_said_is_to_be_read_if_it_is_killed_before_its_first_step(
    nursery: Nursery, sqlite_url: str, tmp_path: Path
) -> None:
    with Lane(nursery, sqlite_url, tmp_path, idempotent=False, seed=1) as lane:
        for name in (f"at-once-{number}" for number in range(20)):
            process = nursery.start(lane.place, RUN, name)
            os.kill(process, signal.SIGKILL)
            assert nursery.wait(process) == -signal.SIGKILL
            lane.keep_texts(name)
            assert lane.texts[f"stderr of the {name} run"] == ""
