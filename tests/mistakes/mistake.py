"""What a mistake is, and the steps by which one is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tests.mistakes.world import World

Step: TypeAlias = Callable[[World], None]

EVERY_COMMAND = ("check orders.yaml", "prepare orders.yaml", "run orders.yaml")
CHECK_AND_RUN = ("check orders.yaml", "run orders.yaml")


@dataclass(frozen=True)
class Mistake:
    """One mistake, and what penstock answers to it. docs/reference/mistakes.md is written from these.

    what: the mistake, in a few words. by: how it is made. says: what each of the commands tells, to the letter (it may tell
    more); <names> stand for what differs from one machine to the next. commands: split at blanks. do: what to do, where the
    message does not say it all. code: the exit code. on: the kind of the source's database. leaves: what is true
    afterwards; None: nothing was touched. has_json: whether the commands know --json.
    """

    what: str
    by: tuple[Step, ...]
    says: str
    commands: tuple[str, ...] = EVERY_COMMAND
    do: str = ""
    code: int = 2
    on: str = "sqlite"
    leaves: Step | None = None
    has_json: bool = True


def edit(old: str, new: str, file: str = "orders.yaml") -> Step:
    """Change the job file in one place."""

    def make(world: World) -> None:
        path = world.folder / file
        text, old_text = path.read_text("utf-8"), world.filled_in(old)
        assert text.count(old_text) == 1, f"{old_text!r} is {text.count(old_text)} times in\n{text}"
        path.write_text(text.replace(old_text, world.filled_in(new)), encoding="utf-8")

    return make


def add(text: str, file: str = "orders.yaml") -> Step:
    """Add to the job file's end."""

    def make(world: World) -> None:
        path = world.folder / file
        path.write_text(path.read_text("utf-8") + world.filled_in(text), encoding="utf-8")

    return make


def write(name: str, content: str | bytes) -> Step:
    """Write a file beside the job file, or the job file itself."""

    def make(world: World) -> None:
        path = world.folder / name
        path.write_bytes(content if isinstance(content, bytes) else world.filled_in(content).encode())

    return make


def recode(encoding: str, *, line_end: str = "\n") -> Step:
    """Save the job file as another editor would."""

    def make(world: World) -> None:
        path = world.folder / "orders.yaml"
        path.write_bytes(path.read_text("utf-8").replace("\n", line_end).encode(encoding))

    return make


def folder(name: str) -> Step:
    return lambda world: (world.folder / name).mkdir()


def copy(new: str) -> Step:
    """A second job file like the first."""

    def make(world: World) -> None:
        (world.folder / new).write_bytes((world.folder / "orders.yaml").read_bytes())

    return make


def sql(*statements: str) -> Step:
    """Change the old database."""
    return lambda world: world.database.execute(*map(world.filled_in, statements))


def query(text: str) -> Step:
    return edit("SELECT id, order_no, total FROM orders", text)


def source(url: str) -> Step:
    return edit("<source>", url)


def target(url: str) -> Step:
    return edit("http://127.0.0.1:<port>/orders", url)


def delivery(setting: str) -> Step:
    return edit("delivery: {", f"delivery: {{{setting}, ")


def environment(name: str, value: str | None) -> Step:
    def make(world: World) -> None:
        if value is None:
            world.monkeypatch.delenv(name)
        else:
            world.monkeypatch.setenv(name, value)

    return make


def penstock(*words: str) -> Step:
    """A command that went well before."""

    def make(world: World) -> None:
        ended = world.penstock(*words)
        assert ended.code == 0, ended.err

    return make


WITHOUT_FLAG = edit("  flag: {table: orders}\n", "")
PREPARED = penstock("prepare", "orders.yaml")
DELIVERED = penstock("run", "orders.yaml")
