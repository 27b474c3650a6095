from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def state_of_the_user_in_the_test_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers whose ledger is no SQLite file keep their journals there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
