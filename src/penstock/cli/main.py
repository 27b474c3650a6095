"""`penstock`: puts the commands together and turns every end of them into text and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from penstock.cli.commands import COMMANDS
from penstock.cli.exits import ExitCode
from penstock.cli.failures import complain
from penstock.cli.late import LateCommand
from penstock.cli.streams import emit_text, open_closed_streams, people
from penstock.errors import JobError

# Typer's own tracebacks are off: they can print local variables, and those hold secrets.
app = typer.Typer(
    name="penstock",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def penstock(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Moves the rows of an old SQL database through an HTTP API: many at once, safe to kill, every row accounted for.

    See it work on this machine:
      penstock demo
    A job of your own:
      penstock check orders.yaml
      penstock prepare orders.yaml
      penstock run orders.yaml

    Exit codes:
      0  all well
      1  done, with findings
      2  a person must change something first
      3  unreachable or stopped early: the same command may go on later
    """
    if show_version:
        emit_text(f"penstock {version('penstock')}\n")
    elif context.invoked_subcommand is None:
        emit_text(context.get_help() + "\n")
    return ExitCode.WELL


# What the documents of later versions promise.
_PLANNED = ("init", "serve")

for listed in COMMANDS:
    app.command(listed.name, cls=LateCommand, help=listed.line, rich_help_panel=listed.panel)(listed.load)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (the process's own if none is given) and return its exit code; nothing is raised."""
    open_closed_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _refuse_bytes(words)
        program = typer.main.get_command(app)
        # Not through its `main`, which makes an exit code of its own of a Ctrl-C.
        with program.make_context("penstock", words) as context:
            return int(program.invoke(context) or ExitCode.WELL)
    except typer.Exit as ended:  # --help
        return ended.exit_code
    except typer.TyperException as error:
        people().print(_usage(error, words))
        return ExitCode.PERSON
    except (KeyboardInterrupt, typer.Abort):
        # Nothing is loaded for this: another Ctrl-C may be on its way.
        sys.stderr.write("stopped\n")
        return ExitCode.LATER
    except Exception as error:
        return complain(error)


def _usage(error: typer.TyperException, words: Sequence[str]) -> str:
    """What was mistyped, and where to read on."""
    message = error.format_message().replace("Value error, ", "")
    if words and words[0] in commands():
        return f"{message}\nSee: penstock {words[0]} --help"
    if words and words[0].endswith((".yaml", ".yml")):
        command = next((word for word in words[1:] if word in commands()), "run")
        message = f"The command comes first: penstock {command} {words[0]}"
    elif words and words[0] in _PLANNED:
        message = f"penstock {words[0]} is reserved for a later version and not there yet."
    return f"{message}\nSee: penstock --help"


def _refuse_bytes(words: Sequence[str]) -> None:
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            shown = word.encode(errors="backslashreplace").decode()
            raise JobError(f"the argument {shown} is not UTF-8; write it in UTF-8, rename the file") from None


def commands() -> tuple[str, ...]:
    """The names of all commands."""
    return tuple(listed.name for listed in COMMANDS)
