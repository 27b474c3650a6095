"""`target:` the API: what a request is made of, and what an answer means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasPath,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from penstock.spec.kinds import (
    DURATION_SCHEMA,
    AnswerExpression,
    Duration,
    Headers,
    HttpUrl,
    ReadableFile,
    Whole,
    YesOrNo,
)
from penstock.spec.part import OnlyInPython, Part, as_in_a_file
from penstock.spec.templates import check_body
from penstock.spec.wrong import Wrong, all_wrong

DEFAULT_NOT_APPLIED = frozenset({400, 404, 406, 411, 413, 414, 422, 428, 431})


def _true_for_a_while(value: object) -> object:
    # `{for: 24h}` is true as well; how long stands in a field of its own.
    if isinstance(value, Mapping):
        if set(value) != {"for"}:
            raise Wrong("has other keys than `for`", "write true, false or {for: 24h}")
        return True
    return value


def _added_to_the_default(value: object) -> object:
    if isinstance(value, Mapping):
        if set(value) != {"add"} or not isinstance(value["add"], list):
            raise Wrong(
                "is no list of statuses", "write a list, like [400, 422], or {add: [500]} to extend the default"
            )
        return [*value["add"], *sorted(DEFAULT_NOT_APPLIED)]
    return value


_FOR_A_WHILE = {
    "type": "object",
    "properties": {"for": DURATION_SCHEMA},
    "required": ["for"],
    "additionalProperties": False,
}
_STATUSES = {"type": "array", "items": {"type": "integer", "minimum": 100, "maximum": 599}}
_ADDED = {"type": "object", "properties": {"add": _STATUSES}, "required": ["add"], "additionalProperties": False}

_Idempotent = Annotated[
    YesOrNo,
    BeforeValidator(_true_for_a_while),
    WithJsonSchema({"title": "true, false, or {for: 24h}", "anyOf": [{"type": "boolean"}, _FOR_A_WHILE]}),
]
_Statuses = Annotated[
    frozenset[Annotated[Whole, Field(ge=100, le=599)]],
    BeforeValidator(_added_to_the_default),
    WithJsonSchema({"title": "a list, or {add: [500]}", "anyOf": [_STATUSES, _ADDED]}),
]


class Tls(Part):
    """Files in PEM form; relative paths start at the job file's folder."""

    ca: ReadableFile | None = Field(
        default=None, description="The authorities to trust instead of the system's; certificates are always verified."
    )
    cert: ReadableFile | None = Field(default=None, description="The certificate that penstock shows to the API.")
    key: ReadableFile | None = Field(default=None, description="The certificate's private key, not encrypted.")

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Tls:
        if (self.cert is None) != (self.key is None):
            given, missing = ("cert", "key") if self.key is None else ("key", "cert")
            raise all_wrong([((given,), Wrong(f"stands without tls.{missing}", "name both; one file may hold both"))])
        return self


class Probe(Part):
    """How to ask whether a row in doubt has arrived; each run asks about all that there are."""

    url: HttpUrl = Field(
        description="What to GET, with the job's headers; expressions over the row may stand in path and query. "
        "Ask for something that never changes."
    )
    found: AnswerExpression = Field(description="Holds when the row has arrived: it is imported.")
    absent: AnswerExpression = Field(
        description="Holds when the row has not arrived: it is sent again, once `after` has passed. "
        "If neither holds, or both do, it stays in doubt."
    )
    after: Duration = Field(
        default=as_in_a_file("10m"),
        description="`absent` counts only so long after the attempt's deadline, and only while the row is unchanged. "
        "Longer than the API may take to finish what it has begun.",
    )
    receipt: AnswerExpression | None = Field(default=None, description="The new id, from the probe's answer.")


class Target(Part):
    """The API's endpoint. Of `already_exists`, `accept`, `retry`, `refuse`, `not_applied` the first that holds decides."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    url: HttpUrl = Field(
        description="Where each row goes: `http` or `https`; expressions may stand in path and query, "
        "and what they yield is percent-encoded. Credentials go into headers."
    )
    method: Literal["POST", "PUT", "PATCH", "DELETE", "GET"] = Field(
        default="POST", description="The request's method."
    )
    headers: Headers = Field(
        default_factory=dict,
        description="Further headers; expressions may be used. Host, Content-Length, Connection and their like are the sender's.",
    )
    tls: Tls = Field(
        default_factory=Tls, description="Files for an API with its own authority, or one that asks for a certificate."
    )
    body: Annotated[Any, AfterValidator(check_body)] = Field(
        default=None,
        description="The JSON document to send; texts may hold expressions, and an expression alone keeps its type. "
        "Left out: the row itself as a JSON object.",
    )
    already_exists: AnswerExpression | None = Field(
        default=None, description="Holds when the API says that it has the row already: imported. Left out: never."
    )
    accept: AnswerExpression | None = Field(
        default=None,
        description="Holds when the row was accepted: imported. "
        "Left out: 200-299, and parsed where it claims to be JSON; never text/html.",
    )
    retry: AnswerExpression | None = Field(
        default=None,
        description="Holds for a complete answer that proves that nothing was applied and asks to try again. "
        "Left out: 429, and 503 with Retry-After.",
    )
    refuse: AnswerExpression | None = Field(
        default=None,
        description="Holds for a complete answer that proves that nothing was applied because of the row: failed. "
        "Left out: never.",
    )
    not_applied: _Statuses = Field(
        default=as_in_a_file(sorted(DEFAULT_NOT_APPLIED)),
        description="Statuses that prove that nothing was applied because of the row: failed. "
        "A list replaces the default, `{add: [500]}` extends it. Any other answer is unknown: "
        "tried again if idempotent, else in doubt.",
    )
    receipt: AnswerExpression | None = Field(default=None, description="The new id, from an accepting answer.")
    idempotent: _Idempotent = Field(
        default=False,
        description="`true`: a repeat is harmless (PUT, an upsert, an API that honours Idempotency-Key); "
        "`{for: 24h}`: only so long after a row's first attempt.",
    )
    # In a file it is said by `idempotent: {for: ...}`. Seconds after the first attempt; None: for ever.
    idempotent_for: Annotated[Duration | None, OnlyInPython()] = Field(
        default=None, validation_alias=AliasPath("idempotent", "for")
    )
    probe: Probe | None = Field(
        default=None,
        description="How to ask whether a row in doubt has arrived: a GET with the headers of this part.",
    )

    @field_validator("tls")
    @classmethod
    def _tls_needs_https(cls, tls: Tls, info: ValidationInfo) -> Tls:
        url = info.data.get("url")
        if url is not None and tls != Tls() and not _is_encrypted(url):
            raise Wrong("stands beside an http:// address", "write https:// in target.url, or leave tls out")
        return tls

    @field_validator("body")
    @classmethod
    def _get_has_no_body(cls, body: object, info: ValidationInfo) -> object:
        if body is not None and info.data.get("method") == "GET":
            raise Wrong("stands beside method: GET, which sends none", "use POST, or put the values into target.url")
        return body

    @field_validator("not_applied")
    @classmethod
    def _success_applies(cls, statuses: frozenset[int], info: ValidationInfo) -> frozenset[int]:
        success = sorted(status for status in statuses if 200 <= status <= 299)
        if success and info.data.get("accept", "") is None:
            raise Wrong(
                f"lists {success[0]}, which means accepted",
                "say with accept: which of these answers mean that the row was accepted",
            )
        return statuses

    @field_validator("probe")
    @classmethod
    def _probe_is_encrypted_too(cls, probe: Probe | None, info: ValidationInfo) -> Probe | None:
        url = info.data.get("url")
        if url is None or probe is None or not _is_encrypted(url) or _is_encrypted(probe.url):
            return probe
        raise Wrong(
            "asks by http:// where target.url is https://",
            "write https:// in target.probe.url: it sends the same headers",
        )


def _is_encrypted(url: HttpUrl) -> bool:
    return url.get_secret_value().lower().startswith("https:")
