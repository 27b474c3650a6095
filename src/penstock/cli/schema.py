"""`penstock schema`: the JSON Schema of the job file, for editors."""

from __future__ import annotations

from pathlib import Path

import orjson

from penstock.cli.arguments import Json
from penstock.cli.exits import ExitCode
from penstock.cli.streams import emit_text, people
from penstock.errors import JobError
from penstock.spec.schema import json_schema

FILE = Path("penstock.schema.json")


def schema(as_json: Json = False) -> int:
    """Write penstock.schema.json into this folder, the JSON Schema of the job file; with --json print it instead.

    Editors complete and check a job file that begins with
      # yaml-language-server: $schema=./penstock.schema.json

    Example:
      penstock schema
      penstock schema --json > elsewhere/penstock.schema.json

    Exit codes:
      0  written
      2  it cannot be written here
    """
    text = orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    if as_json:
        emit_text(text)
        return ExitCode.WELL
    try:
        FILE.write_text(text, encoding="utf-8")
    except OSError as error:
        raise JobError(
            f"{FILE} cannot be written here ({error.strerror}); use: penstock schema --json > FILE"
        ) from None
    people().print(f"{FILE} is written")
    return ExitCode.WELL
