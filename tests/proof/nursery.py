"""Runs penstock's command line again and again without paying for its imports: a process that has them all forks a child a run.

    python -m tests.proof.nursery        commands on stdin, answers on stdout, a JSON line each

A child is what `python -m penstock ...` is once it has imported itself: a process of its own, with its own folder, environment
and output. It may be told to wait until somebody who wants to trace it has got hold of it.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import pkgutil
import select
import signal
import sys
from contextlib import suppress
from typing import TypedDict, cast

from tests.links.namespace import enter

_PR_SET_PDEATHSIG = 1
_PR_SET_PTRACER = 0x59616D61  # where only parents may trace: anybody of the same user may trace this one


class Order(TypedDict):
    """What to run. environment: all of it; PENSTOCK_NURSERY_MODULES among it: a file for the names of what it imported late.
    held: do not begin before `go`. network: the path of the one that it lives in; None: this machine's."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]
    output: str
    held: bool
    network: str | None


def main() -> None:
    _import_everything()
    answers = os.dup(1)
    gates: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        match request:
            case {"start": order}:
                child, gates_end = _start(cast("Order", order))
                gates[child] = gates_end
                answer = {"child": child}
            case {"go": child}:
                os.close(gates.pop(child))
                answer = {}
            case {"wait": child}:
                _, status = os.waitpid(child, 0)
                with suppress(KeyError):
                    os.close(gates.pop(child))
                answer = {"code": os.waitstatus_to_exitcode(status)}
            case {"import": names}:
                for name in names:
                    with suppress(Exception):
                        importlib.import_module(name)
                answer = {}
            case _:
                raise ValueError(request)
        os.write(answers, json.dumps(answer).encode() + b"\n")


def _import_everything() -> None:
    import penstock  # noqa: PLC0415  this is what it is for

    for module in pkgutil.walk_packages(penstock.__path__, "penstock."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _start(order: Order) -> tuple[int, int]:
    """Returns the child's number, and what must be closed for it to begin."""
    waits, opens = os.pipe()
    # Here and not in the child: one that is killed before it does anything has said nothing, and that is to be read as well.
    outputs = [
        os.open(f"{order['output']}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        for name in ("out", "err")
    ]
    child = os.fork()
    if child:
        for file in (waits, *outputs):
            os.close(file)
        if not order["held"]:
            os.close(opens)
            opens = os.open(os.devnull, os.O_RDONLY)
        return child, opens
    code = 70
    try:
        os.close(opens)
        _become(order, outputs)
        # select and not read: the calls that are counted begin with the run.
        select.select([waits], [], [])
        os.close(waits)
        code = _run(order["arguments"])
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _become(order: Order, outputs: list[int]) -> None:
    os.setsid()
    if order["network"] is not None:
        enter(order["network"])
    with suppress(OSError, AttributeError):
        control = ctypes.CDLL(None).prctl
        control(_PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
        control(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # nobody is left behind, one that stands still least of all
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), *outputs)):
        os.dup2(file, number)
        os.close(file)


def _run(arguments: list[str]) -> int:
    from penstock.cli.main import main as penstock  # noqa: PLC0415  imported long ago

    known = set(sys.modules)
    code = penstock(arguments)
    if modules := os.environ.get("PENSTOCK_NURSERY_MODULES"):
        with open(modules, "w", encoding="utf-8") as file:
            json.dump(sorted(set(sys.modules) - known), file)
    return code


if __name__ == "__main__":
    main()
