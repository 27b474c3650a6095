"""The kinds of value a job file knows: what each accepts, what it becomes, and how its JSON Schema says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, Strict, WithJsonSchema

from penstock.spec.templates import (
    check_answer_expression,
    check_flag_template,
    check_header_value,
    check_headers_once,
    check_page_expression,
    check_record_expression,
    check_row_template,
)
from penstock.spec.units import (
    DURATION_PATTERN,
    RATE_PATTERN,
    SHARE_PATTERN,
    ShareOrCount,
    parse_duration,
    parse_duration_or_never,
    parse_rate,
    parse_share_or_count,
)
from penstock.spec.urls import check_http_url, check_sql_url, check_store_url
from penstock.spec.values import (
    MOST_AT_ONCE,
    Transform,
    check_columns,
    check_concurrency,
    check_exchange,
    check_file,
    check_filled,
    check_function,
    check_header_name,
    check_name,
    check_timezone,
    null_is_a_word,
    one_or_many,
)

# A title says in a word or two what a value of the kind looks like: editors and the reference page show it.
_TEXT = {"type": "string"}
_FILLED_TEXT = {"type": "string", "title": "text", "pattern": r"\S"}
_TEMPLATE = {"type": "string", "title": "text with expressions"}
_EXPRESSION = {"type": "string", "title": "an expression", "pattern": r"^\s*\{\{[\s\S]*\}\}\s*$"}
_SEVERAL = {"type": "array", "items": _FILLED_TEXT, "minItems": 1, "uniqueItems": True}
_LIMIT = [{"type": "string", "pattern": f"^(?:{SHARE_PATTERN}|never)$"}, {"type": "integer", "minimum": 1}]
_CONCURRENCY = [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": MOST_AT_ONCE}]

DURATION_SCHEMA = {"type": "string", "title": "a duration, like 30s", "pattern": f"^{DURATION_PATTERN}$"}

# Numbers and booleans as such: "8" and "yes" are text.
Whole: TypeAlias = Annotated[int, Strict()]
YesOrNo: TypeAlias = Annotated[bool, Strict()]
Filled: TypeAlias = Annotated[str, AfterValidator(check_filled), WithJsonSchema(_FILLED_TEXT)]

JobName: TypeAlias = Annotated[
    str,
    AfterValidator(check_name),
    WithJsonSchema({"type": "string", "title": "a name", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}),
]
ExchangeName: TypeAlias = Annotated[str, AfterValidator(check_exchange), WithJsonSchema(_FILLED_TEXT)]
Columns: TypeAlias = Annotated[
    tuple[Filled, ...],
    BeforeValidator(one_or_many),
    AfterValidator(check_columns),
    WithJsonSchema({"title": "a column, or a list of them", "anyOf": [_FILLED_TEXT, _SEVERAL]}),
]
TimezoneName: TypeAlias = Annotated[
    str, AfterValidator(check_timezone), WithJsonSchema({"type": "string", "title": "a time zone, like Asia/Shanghai"})
]
ZeroDates: TypeAlias = Annotated[
    Literal["fail", "null"],
    BeforeValidator(null_is_a_word),
    WithJsonSchema({"title": "fail, or null", "enum": ["fail", "null", None]}),
]
Function: TypeAlias = Annotated[
    str | Transform,
    BeforeValidator(check_function),
    WithJsonSchema({"type": "string", "title": "module:function", "pattern": "^[^:]+:[^:]+$"}),
]
ReadableFile: TypeAlias = Annotated[
    str, AfterValidator(check_file), WithJsonSchema({"type": "string", "title": "a file"})
]

Duration: TypeAlias = Annotated[
    float,
    Field(gt=0),
    BeforeValidator(parse_duration),
    WithJsonSchema(DURATION_SCHEMA),
]
DurationOrNever: TypeAlias = Annotated[
    float,
    Field(gt=0),
    BeforeValidator(parse_duration_or_never),
    WithJsonSchema({"type": "string", "title": "a duration, or never", "pattern": f"^(?:{DURATION_PATTERN}|never)$"}),
]
Rate: TypeAlias = Annotated[
    float,
    BeforeValidator(parse_rate),
    WithJsonSchema({"type": "string", "title": "a rate, like 500/s", "pattern": f"^{RATE_PATTERN}$"}),
]
Limit: TypeAlias = Annotated[
    ShareOrCount,
    BeforeValidator(parse_share_or_count),
    WithJsonSchema({"title": "a share, a number, or never", "anyOf": _LIMIT}),
]
Concurrency: TypeAlias = Annotated[
    int | Literal["auto"],
    BeforeValidator(check_concurrency),
    WithJsonSchema({"title": "auto, or 1 to 10,000", "anyOf": _CONCURRENCY}),
]

SqlUrl: TypeAlias = Annotated[
    SecretStr, AfterValidator(check_sql_url), WithJsonSchema({"type": "string", "title": "a database URL"})
]
StoreUrl: TypeAlias = Annotated[
    SecretStr,
    AfterValidator(check_store_url),
    WithJsonSchema({"type": "string", "title": "a database URL or a web address"}),
]
HttpUrl: TypeAlias = Annotated[
    SecretStr, AfterValidator(check_http_url), WithJsonSchema({"type": "string", "title": "a web address"})
]
HeaderName: TypeAlias = Annotated[str, AfterValidator(check_header_name)]
HeaderValue: TypeAlias = Annotated[SecretStr, AfterValidator(check_header_value), WithJsonSchema(_TEXT)]
Headers: TypeAlias = Annotated[Mapping[HeaderName, HeaderValue], AfterValidator(check_headers_once)]

RowTemplate: TypeAlias = Annotated[str, AfterValidator(check_row_template), WithJsonSchema(_TEMPLATE)]
FlagTemplate: TypeAlias = Annotated[str, AfterValidator(check_flag_template), WithJsonSchema(_TEMPLATE)]
AnswerExpression: TypeAlias = Annotated[
    str,
    AfterValidator(check_answer_expression),
    WithJsonSchema(_EXPRESSION),
]
RecordExpression: TypeAlias = Annotated[str, AfterValidator(check_record_expression), WithJsonSchema(_EXPRESSION)]
PageExpression: TypeAlias = Annotated[str, AfterValidator(check_page_expression), WithJsonSchema(_EXPRESSION)]
