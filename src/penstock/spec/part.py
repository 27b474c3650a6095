"""What every part of a job file has in common."""

from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticOmit


class Part(BaseModel):
    """A part of a job file: frozen, and unknown keys are refused. Defaults are written as the file would write them."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        validate_default=True,
    )


def as_in_a_file(default: object) -> Any:
    """A default as a file would write it, parsed like any other value; so that schema and reference show it to people."""
    return default


class OnlyInPython:
    """Marks a field that no file says: it is no key there, and not in the JSON Schema."""

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> NoReturn:
        raise PydanticOmit
