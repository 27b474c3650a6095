"""The JSON Schema of the job file, for editors: `penstock schema` writes it."""

from __future__ import annotations

from penstock.spec.models import Job

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, object]:
    """What a file may hold, before variables are filled in and defaults applied."""
    schema = Job.model_json_schema(by_alias=False, mode="validation")
    source = schema["$defs"]["Source"]
    source["oneOf"] = [{"required": ["query"]}, {"required": ["table"]}]
    return {"$schema": DIALECT, "title": "penstock job file"} | schema | {"title": "penstock job file"}
