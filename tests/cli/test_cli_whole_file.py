"""A file that is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from penstock.cli.whole_file import whole_file
from penstock.errors import JobError


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_it_has_its_name_once_it_is_complete(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.csv", replace=False) as file:
        file.write(b"whole")
        assert "a.csv" not in names(tmp_path)

    assert names(tmp_path) == ["a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == b"whole"


def test_what_breaks_off_leaves_nothing_and_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("before")

    def write_half() -> None:
        with whole_file(tmp_path / "a.csv", replace=True) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()

    assert names(tmp_path) == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "before"


def test_a_file_that_comes_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="is there already"), whole_file(tmp_path / "a.csv", replace=False):
        (tmp_path / "a.csv").write_text("mine")

    assert names(tmp_path) == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "mine"


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("before")
    (tmp_path / "a.csv").symlink_to("real.csv")

    with whole_file(tmp_path / "a.csv", replace=True) as file:
        file.write(b"after")

    assert (tmp_path / "a.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "after"


@pytest.mark.parametrize("replace", [True, False])
def test_what_is_no_file_is_never_replaced(tmp_path: Path, replace: bool) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    for name in ("folder", "pipe"):
        with pytest.raises(JobError, match="is no file"), whole_file(tmp_path / name, replace=replace):
            pass

    assert names(tmp_path) == ["folder", "pipe"]
