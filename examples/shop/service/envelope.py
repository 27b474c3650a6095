"""Every answer is {"code": 0, "data": ...} or {"code": N, "message": ...}.

Codes from 40000 on are the shop's own rules; below stand the statuses of HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

INVALID = 42200
NOT_FOUND = 40400
TOTAL_IS_NOT_THE_SUM = 40021
LINE_TWICE = 40022
UNKNOWN_ORDER = 40410
EXISTS = 40901
KEY_USED_OTHERWISE = 40922


class Refusal(Exception):
    """A rule of the shop says no, and nothing was stored."""

    def __init__(self, status: int, code: int, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


class Busy(Exception):
    """Nothing was stored: whoever asks again soon may be luckier."""


def answer(data: Mapping[str, object], *, status: int = 200, replayed: bool = False) -> Response:
    """replayed: this is what the first request with the same Idempotency-Key was answered."""
    response = Response(orjson.dumps({"code": 0, "data": data}), status, media_type="application/json")
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def problem(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps({"code": code, "message": message})
    return Response(body, status, headers=headers, media_type="application/json")


def answer_problems(app: FastAPI) -> None:
    """Put everything that may go wrong into the envelope."""

    @app.exception_handler(Refusal)
    async def refuse(_: Request, error: Refusal) -> Response:
        return problem(error.status, error.code, str(error))

    @app.exception_handler(Busy)
    async def ask_for_patience(_: Request, __: Busy) -> Response:
        return problem(503, 503, "busy; nothing was stored", {"Retry-After": "1"})

    @app.exception_handler(RequestValidationError)
    async def name_the_field(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return problem(422, INVALID, f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def say_what_http_says(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, error.status_code, str(error.detail), error.headers)

    @app.exception_handler(Exception)
    async def admit(_: Request, __: Exception) -> Response:
        """Whether anything was stored, nobody knows here. The traceback goes to stderr."""
        return problem(500, 500, "something broke")
