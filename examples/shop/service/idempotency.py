"""Idempotency-Key, as it should be: stored with the result, in the transaction that applies the request.

Two requests with one key at the same time meet at a unique index: the second waits there until the first has
committed, and is then answered what the first was. Refusals are not stored: they applied nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from examples.shop.service.envelope import EXISTS, KEY_USED_OTHERWISE, Busy, Refusal
from fastapi import Request
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_LOCK_WAIT_TIMEOUT, _DEADLOCK = 1205, 1213
_TRIES = 3
_REMEMBER = "INSERT INTO idempotency_keys (idempotency_key, fingerprint, result) VALUES (%s, %s, %s)"
_RECALL = "SELECT fingerprint, result FROM idempotency_keys WHERE idempotency_key = %s"


@dataclass(frozen=True, slots=True)
class Claim:
    """key: None if the client sent none. fingerprint: of what was asked for."""

    key: bytes | None
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Result:
    new_id: int
    replayed: bool


async def claim_of(request: Request) -> Claim:
    asked = f"{request.method} {request.url.path}\n".encode() + await request.body()
    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= 200:
        raise Refusal(400, 40001, "an Idempotency-Key has 1 to 200 characters")
    return Claim(None if key is None else key.encode("latin-1"), hashlib.sha256(asked).digest())


async def write_once(
    engine: AsyncEngine, claim: Claim, write: Callable[[AsyncConnection], Awaitable[int]], *, exists: str
) -> Result:
    """Run `write` in a transaction of its own, once for each key; it returns the new id.

    Raises Refusal (exists: what to say if the thing is there, from another request), Busy.
    """
    for _ in range(_TRIES):
        try:
            async with engine.begin() as connection:
                new_id = await write(connection)
                if claim.key is not None:
                    await connection.exec_driver_sql(_REMEMBER, (claim.key, claim.fingerprint, new_id))
            return Result(new_id, replayed=False)
        except IntegrityError:
            return await _recall(engine, claim, exists)
        except OperationalError as error:
            if error.orig is None or error.orig.args[0] not in {_LOCK_WAIT_TIMEOUT, _DEADLOCK}:
                raise
    raise Busy


async def _recall(engine: AsyncEngine, claim: Claim, exists: str) -> Result:
    async with engine.connect() as connection:
        known = (await connection.exec_driver_sql(_RECALL, (claim.key,))).first()
    if known is None:
        raise Refusal(409, EXISTS, exists)
    if known.fingerprint != claim.fingerprint:
        raise Refusal(422, KEY_USED_OTHERWISE, "this Idempotency-Key came with another request before")
    return Result(known.result, replayed=True)
