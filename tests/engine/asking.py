"""A shop whose API can be asked about rows in doubt, and answers of its that leave rows in doubt."""

from __future__ import annotations

from pathlib import Path

from tests.engine.api import Api, Asked, Reply
from tests.engine.shop import Shop, open_shop

from penstock.events import EventKind

# What no test waits for: time.
LONG_AGO = "UPDATE penstock_rows SET updated_at = '2001-01-01 00:00:00.000' WHERE state = 'in_doubt'"

_PROBE = """\
probe:
    url: http://127.0.0.1:{port}/orders?{asks}
    found: "{{{{ status == 200 and body.total == 1 }}}}"
    absent: "{{{{ status == 200 and body.total == 0 }}}}"
    receipt: "{{{{ body['items'][0].id }}}}"
    after: {after}
"""


async def asking_shop(
    folder: Path,
    api: Api,
    *,
    after: str = "10m",
    asks: str = "number={{ id }}",
    port: int | None = None,
    target: str = "",
    delivery: str = "",
    rows: int = 10,
    total: str = "5s",
) -> Shop:
    """asks: the query of the probe's url. port: where to ask, if not the API."""
    probe = _PROBE.format(port=api.port if port is None else port, after=after, asks=asks)
    return await open_shop(
        folder,
        api,
        rows=rows,
        source="flag: {table: orders}",
        target=probe + target,
        delivery=delivery,
        total=total,
    )


def breaking(api: Api, *orders: int, stores: bool, times: int = 1) -> None:
    """The API answers 500 to these rows for the first times, having stored them or not."""

    async def answer(asked: Asked) -> Reply:
        if asked.order not in orders or asked.attempt > times:
            return asked.accepted
        api.applied[asked.order] += stores
        return Reply(500)

    api.script = answer


async def details(shop: Shop, key: str) -> list[str]:
    """What is told of the answers about this row, the oldest first."""
    return [event.detail for event in await shop.events(EventKind.PROBED, key)]
