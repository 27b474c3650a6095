"""The JSON Schema of the job file, for editors: `penstock schema` writes it."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from penstock.spec.models import Job

# A text with a variable in it may become anything: only the loader, which fills it in, can tell.
_OR_A_VARIABLE = r"|\$\{"


class _Plain(GenerateJsonSchema):
    """Without the titles that pydantic makes of every name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> dict[str, object]:
    """What a file may hold, before variables are filled in and defaults applied."""
    schema = Job.model_json_schema(by_alias=False, schema_generator=_Plain)
    schema["$defs"]["Source"]["oneOf"] = [{"required": ["query"]}, {"required": ["table"]}]
    whole = {"$schema": GenerateJsonSchema.schema_dialect, **schema, "title": "penstock job file"}
    return {key: _with_variables(part) for key, part in whole.items()}


def _with_variables(part: object) -> object:
    if isinstance(part, list):
        return [_with_variables(inner) for inner in part]
    if isinstance(part, dict):
        return {
            key: inner + _OR_A_VARIABLE if key == "pattern" and isinstance(inner, str) else _with_variables(inner)
            for key, inner in part.items()
        }
    return part
