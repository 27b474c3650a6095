"""The Idempotency-Key of a row: the same on every machine and in every run, until a person raises the generation."""

from __future__ import annotations

import hashlib

from penstock.rows import KeyText


class IdempotencyKeys:
    """Keyed by job name, target URL and generation. 32 hex digits (128 bits of BLAKE2b): no row data can be read out of it."""

    def __init__(self, job_name: str, target_url: str, generation: int) -> None:
        seed = "\x00".join((job_name, target_url, str(generation))).encode()
        self._base = hashlib.blake2b(seed, digest_size=16, person=b"penstock-idemkey")
        self._base.update(b"\x00")

    def of(self, key: KeyText) -> str:
        digest = self._base.copy()
        digest.update(key.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()
