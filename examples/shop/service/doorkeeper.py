"""Who may come in, and how fast: the bearer token, and a bucket of requests that fills up again."""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable

from examples.shop.service.envelope import problem
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send


class Bucket:
    """Holds one second's worth of requests. clock: seconds."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._room = max(1.0, rate)
        self._level = self._room
        self._filled_at = clock()

    def take(self) -> float:
        """Seconds until there is room; 0: this request has been let in."""
        now = self._clock()
        self._level = min(self._room, self._level + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self._rate


class Doorkeeper:
    """Around the application: 401 without the token, 429 with Retry-After where there are too many."""

    def __init__(self, app: ASGIApp, *, token: str, bucket: Bucket) -> None:
        self._app = app
        self._authorization = f"Bearer {token}".encode()
        self._bucket = bucket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("authorization", "").encode("latin-1")
        if not hmac.compare_digest(given, self._authorization):
            refusal = problem(401, 401, "the token is missing or wrong", {"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
        elif wait := self._bucket.take():
            refusal = problem(429, 429, "too many requests", {"Retry-After": str(math.ceil(wait))})
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)
