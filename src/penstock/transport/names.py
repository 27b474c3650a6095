"""What the queues of a job are called."""

from __future__ import annotations

import hashlib


def queue_name(job: str, secret: bytes) -> str:
    """Whoever has another secret, say another ledger's job of the same name, has other queues."""
    return f"penstock.{job}.{hashlib.sha256(secret).hexdigest()[:8]}"
