"""The demo: an old shop is moved into an API that stumbles, the run is killed half-way, goes on, and at the end one counts."""

from __future__ import annotations

import shlex
import signal
import time
from pathlib import Path

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from penstock.demo.api import TOKEN
from penstock.demo.job_file import JOB_FILE, write_job_file
from penstock.demo.processes import RunningApi, running_api
from penstock.demo.proof import Proof, prove
from penstock.demo.stage import CommandFailed, Stage

_SHOP = "shop.db"
_RECORD = "arrived.jsonl"
_API = ("--store", "api.jsonl", "--record", _RECORD, "--faults", "0.02", "--latency", "20ms")
_KILL_AT = 0.4
_SECONDS_BETWEEN_LOOKS = 0.02
_RETRIES = 3


def run_demo(rows: int, folder: Path, console: Console) -> int:
    """Play the whole demo in `folder`, which is kept; returns the exit code.

    0: every order arrived exactly once. 1: one did not. 3: stopped by Ctrl-C. Else what the command returned that went wrong.
    console: of a terminal or a real file, see Stage.
    """
    stage = Stage(folder=folder, console=console)
    try:
        return _play(stage, rows)
    except CommandFailed as failure:
        stage.say(f"{failure}; everything made so far is in {folder}")
        return failure.exit_code
    except KeyboardInterrupt:
        stage.say(f"stopped; everything made so far is in {folder}")
        return 3


def _play(stage: Stage, rows: int) -> int:
    stage.say(f"1. An old shop: {rows:,} orders of its customers, in SQLite. Everything is kept in {stage.folder}")
    stage.run(f"python -m penstock.demo.shop --url sqlite:///{_SHOP} --orders {rows}")
    stage.say("2. A new API, in a process of its own. Of its answers, 2 % go wrong: errors, lost answers, refusals")
    stage.show_command(f"python -m penstock.demo.api {shlex.join(_API)} &")
    with running_api(*_API, "--quiet", folder=stage.folder) as api:
        stage.say("3. The API's token, which no job file should hold, goes into .env beside it")
        stage.show_command(f"echo 'API_TOKEN={TOKEN}' > .env")
        job_file = write_job_file(stage.folder, port=api.port)
        stage.say("The job file: which rows, how an order looks to the API, what its answers mean")
        stage.show_command(f"cat {JOB_FILE}")
        _show_file(stage, job_file)
        stage.say(
            "What is missing? check reaches everything, sends nothing, and shows how the first orders would go out"
        )
        stage.run(f"penstock check {JOB_FILE}", expect=(2,))
        stage.say("The ledger's tables and the flag's column are missing. Nothing is altered unless one says so")
        stage.run(f"penstock prepare {JOB_FILE}")
        stage.say("4. The run. It is killed in the middle: no warning, no chance to tidy up")
        _run_and_kill(stage, api, rows)
        stage.say("5. The same command again goes on where the ledger says")
        exit_code = stage.run(f"penstock run {JOB_FILE}", expect=(0, 1))
        if exit_code == 1:
            exit_code = _retry(stage)
        stage.say("6. The count, made without penstock: what the API wrote down against what the shop holds")
        proof = prove(shop=stage.folder / _SHOP, record=stage.folder / _RECORD)
        _show_proof(stage, proof)
        _show_stumbles(stage, api)
    stage.show(f"\nAll of it is kept in {stage.folder}")
    return 0 if proof.holds and exit_code == 0 else 1


def _run_and_kill(stage: Stage, api: RunningApi, rows: int) -> None:
    with stage.running(f"penstock run {JOB_FILE}") as run:
        while api.applied() < rows * _KILL_AT:
            if (exit_code := run.poll()) is not None:
                raise CommandFailed(f"penstock run {JOB_FILE}", exit_code or 1)
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        run.send_signal(signal.SIGKILL)
        run.wait()
    stage.console.show_cursor()  # the killed progress bar had hidden it
    stage.show_command(f"kill -9 {run.pid}")
    stage.run(f"penstock status {JOB_FILE}")


def _retry(stage: Stage) -> int:
    """The orders that failed are sent once more: meanwhile the shop's people have seen to them. A few may fail again."""
    stage.say("Refused orders failed, each with its reason. Those people look at; then they are sent again")
    exit_code = 1
    for _ in range(_RETRIES):
        stage.run(f"penstock retry {JOB_FILE} --state failed")
        exit_code = stage.run(f"penstock run {JOB_FILE}", expect=(0, 1))
        if exit_code == 0:
            break
    return exit_code


def _show_file(stage: Stage, path: Path) -> None:
    stage.console.print(Syntax(path.read_text().rstrip(), "yaml", background_color="default", word_wrap=True))


def _show_stumbles(stage: Stage, api: RunningApi) -> None:
    stats = api.stats()
    faults = ", ".join(f"{count} x {fault.replace('_', ' ')}" for fault, count in sorted(stats["faults"].items()))
    stage.show(f"The API took {stats['requests']:,} requests for that and stumbled on purpose: {faults or 'not once'}.")


def _show_proof(stage: Stage, proof: Proof) -> None:
    table = Table("orders", "count", "which", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    table.add_row("in the old shop", f"{proof.expected:,}", "")
    table.add_row("arrived", f"{proof.arrived:,}", "")
    table.add_row("flagged is_import = 1", f"{proof.flagged:,}", "")
    for label, orders in (
        ("missing", proof.missing),
        ("arrived more than once", proof.doubled),
        ("arrived otherwise than they were", proof.differing),
        ("arrived though not wanted", proof.unknown),
    ):
        table.add_row(label, f"{len(orders):,}", ", ".join(orders[:5]))
    stage.console.print(table)
    verdict = "Every order arrived exactly once." if proof.holds else "This should not be: please report it."
    stage.console.print(f"\n{verdict}", style="bold green" if proof.holds else "bold red", highlight=False)
