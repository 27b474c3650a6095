"""The RabbitMQ of the benchmarks: the one that the tests use."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.missing import Missing

_ADDRESS = Path(__file__).parent.parent / ".services" / "rabbitmq" / "url"


def find_broker() -> str:
    """Its URL. Raises Missing."""
    given = os.environ.get("PENSTOCK_TEST_AMQP_URL")
    if given:
        return given
    try:
        return _ADDRESS.read_text().strip()
    except FileNotFoundError:
        raise Missing("RabbitMQ is not running: scripts/services start, or set PENSTOCK_TEST_AMQP_URL") from None
