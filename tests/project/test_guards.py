"""The list of guards fits the code, and the script that breaks them one by one tells a test that misses its guard from one that
does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "mutants.py"

# A guard, and a test that it has.
FILES = {
    "src/penstock/__init__.py": "",
    "src/penstock/door.py": "def may_enter(age: int) -> bool:\n    return age >= 18\n",
    "tests/test_door.py": """\
from penstock.door import may_enter


def test_who_is_young_may_not_enter():
    assert not may_enter(17)


def test_who_is_old_may_enter():
    assert may_enter(80)
""",
}
LIST = """\
[of-age]
file = "door.py"
text = "{text}"
becomes = "{becomes}"
keeps = "who is young stays outside"
tests = ["tests/test_door.py::{test}"]
"""
YOUNG, OLD = "test_who_is_young_may_not_enter", "test_who_is_old_may_enter"


def mutants(*arguments: str | Path) -> tuple[int, str]:
    """Exit code, and all that was said."""
    ran = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def a_tree(folder: Path, *, text: str = "age >= 18", becomes: str = "age >= 0", test: str = YOUNG) -> Path:
    files = {**FILES, "scripts/guards.toml": LIST.format(text=text, becomes=becomes, test=test)}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_each_guards_text_stands_where_the_list_says_and_its_tests_are_there() -> None:
    assert mutants("--check") == (0, "")


def test_the_page_of_guards_names_all_of_them() -> None:
    script = ROOT / "scripts" / "write_guards_reference.py"
    written = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True, cwd=ROOT)
    assert written.returncode == 0, written.stderr
    page = (ROOT / "docs" / "reference" / "guards.md").read_text()
    again = "write it again: python scripts/write_guards_reference.py > docs/reference/guards.md"
    assert page == written.stdout, again


def test_a_guard_whose_test_fails_without_it_is_killed_and_the_tree_is_as_it_was(tmp_path: Path) -> None:
    code, said = mutants("--root", a_tree(tmp_path))

    assert code == 0, said
    assert f"killed by tests/test_door.py::{YOUNG}" in said
    assert "1 guards: 1 killed, 0 survived" in said
    assert (tmp_path / "src/penstock/door.py").read_text() == FILES["src/penstock/door.py"]


def test_a_guard_that_no_test_misses_has_survived(tmp_path: Path) -> None:
    code, said = mutants("--root", a_tree(tmp_path, test=OLD))

    assert code == 1, said
    assert f"SURVIVED tests/test_door.py::{OLD}" in said


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"text": "age > 18"}, "of-age: its text stands 0 times in door.py, not once"),
        ({"text": "age"}, "of-age: its text stands 2 times in door.py, not once"),
        ({"test": "test_nothing"}, "of-age: there is no tests/test_door.py::test_nothing"),
        ({"becomes": "age >= 18"}, "of-age: nothing is broken"),
    ],
)
def test_a_list_that_does_not_fit_the_code_is_told_and_nothing_is_run(
    tmp_path: Path, wrong: dict[str, str], says: str
) -> None:
    assert mutants("--root", a_tree(tmp_path, **wrong)) == (2, f"{says}\n")


def test_what_is_no_python_any_more_is_no_broken_guard(tmp_path: Path) -> None:
    code, said = mutants("--root", a_tree(tmp_path, becomes="age >="))

    assert code == 2, said
    assert "of-age" in said
    assert "NOT RUN" in said


def test_tests_that_fail_though_nothing_is_broken_prove_nothing(tmp_path: Path) -> None:
    tree = a_tree(tmp_path)
    (tree / "src/penstock/door.py").write_text("def may_enter(age: int) -> bool:\n    return not age >= 18\n")

    code, said = mutants("--root", tree)

    assert code == 2, said
    assert "these tests fail though nothing is broken" in said
