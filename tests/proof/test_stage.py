"""What is collected as evidence while workers come and go."""

from __future__ import annotations

from pathlib import Path

from tests.proof.lane import Lane
from tests.proof.processes import Nursery


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
