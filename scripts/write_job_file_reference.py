"""Prints docs/reference/job-file.md: every key with its meaning and default, from the models that read job files.

python scripts/write_job_file_reference.py > docs/reference/job-file.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock.spec.schema import json_schema

EXAMPLE = Path(__file__).parent.parent / "tests" / "spec" / "orders.yaml"

_INTRODUCTION = """\
# The job file

Written by `scripts/write_job_file_reference.py` from the models that read job files.

One YAML file declares one job: which rows of the old database go to which endpoint of the new API. A file that uses every
key:

```yaml
{example}```

`penstock schema` writes a JSON Schema; with the first line above, editors complete keys and mark mistakes while you write.

## How it is read

- **Nothing is touched by a wrong file.** All problems are told at once, each with file, line, key, the value as written, and a
  way out; exit code 2.
- **YAML 1.2, and little of it.** `on`, `no` and dates are text; `1.50` keeps its digits. Tags (`!...`), merge keys (`<<`) and
  keys that stand twice are refused, and so is a key without a value: write `null` where nothing is meant. An alias (`*name`)
  may stand for an anchor above it. At most 1,000,000 bytes and 40 levels, UTF-8.
- **`${{NAME}}`** in any value is filled in from the environment, else from a file `.env` beside the job file. It is always text,
  and one that is not set is a problem. `$${{` stands for `${{` itself. Between `[ ]` or `{{ }}`, YAML wants quotes around it.
- **In a URL** a variable is percent-encoded, so that a password may hold any character. At the very start it is not: one
  variable may hold a whole URL, or its beginning, as in `${{API}}/v2/orders`.
- **Secrets** (URLs, headers) appear in no output, log, error, or ledger. Problems show a value as the file has it, with its
  `${{NAME}}`, and leave out passwords that stand in the file itself.
- **Expressions** stand between `{{{{` and `}}}}`: [Expressions](expressions.md).
- **Relative paths** (SQLite, TLS files) start at the job file's folder.
- **Durations** are a number and a unit: `200ms`, `30s`, `10m`, `4h`, `2d`, at most `366d`. **Rates** are requests per second,
  minute or hour: `500/s`, `30/m`, `1000/h`.
- **Not there yet**, and refused until then: `children`, `batch`, `auth`, `ref()`, `source.read_url`, `source.pause_when`,
  `proxy`, `delivery.window`, `on_end`, `vars`.

## What may change between runs

Mapping, target and delivery may; the change is recorded with the hash of the file's text. Key and source may not.
"""


def main() -> None:
    sys.stdout.write(_INTRODUCTION.format(example=EXAMPLE.read_text()))
    schema: Any = json_schema()
    for place, part in _parts("", schema, schema["$defs"]):
        title = f"`{place}`" if place else "Top level"
        sys.stdout.write(f"\n## {title}\n\n| key | takes | default | meaning |\n|---|---|---|---|\n")
        for key, described in part["properties"].items():
            needed = key in part.get("required", ())
            cells = [
                f"`{key}`",
                _takes(described),
                "**needed**" if needed else _default(described),
                described["description"],
            ]
            sys.stdout.write("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")


def _parts(place: str, part: Any, definitions: Any) -> Iterator[tuple[str, Any]]:
    """The part and those within it: where it stands in the file, and its schema."""
    yield place, part
    for key, described in part["properties"].items():
        if (name := _definition(described)) is not None:
            yield from _parts(f"{place}.{key}".lstrip("."), definitions[name], definitions)


def _definition(described: Any) -> str | None:
    for choice in [described, *described.get("anyOf", ())]:
        if "$ref" in choice:
            return str(choice["$ref"].rpartition("/")[2])
    return None


def _takes(described: Any) -> str:
    if "title" in described:
        return str(described["title"])
    if _definition(described):
        return "keys of its own, below"
    if "enum" in described:
        return ", ".join(f"`{word}`" for word in described["enum"])
    choices = [choice for choice in described.get("anyOf", ()) if choice.get("type") != "null"]
    if choices:
        return _takes(choices[0])
    kind = described.get("type")
    if kind == "integer":
        most = f" to {described['maximum']:,}" if "maximum" in described else " or more"
        return f"{described['minimum']:,}{most}"
    return {"object": "a mapping", "string": "text", "boolean": "true or false"}.get(kind, "anything JSON knows")


def _default(described: Any) -> str:
    default = described.get("default")
    if default in (None, ""):
        return "–"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


if __name__ == "__main__":
    main()
