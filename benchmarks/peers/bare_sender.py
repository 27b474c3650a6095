"""penstock's sender alone: the same body again and again, no database, no mapping, nothing kept of the answers.

python -m benchmarks.peers.bare_sender API REQUESTS IN_FLIGHT [CERTIFICATE]
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

import uvloop

from penstock.target.base import Answer, Outcome
from penstock.target.http import HttpSender
from penstock.target.wire import RequestWriter, TargetAddress

_BODY = (
    '{"orderNo":"A-0012345","total":801.56,"buyer":{"name":"Dörte Çelik","email":"customer535@example.com"},'
    '"createdAt":"2019-03-01T09:00:11+08:00",'
    '"note":"moved from the old shop, where it had been since it was placed; its history stays there and is not moved"}'
).encode()


async def send(api: str, requests: int, in_flight: int, tls: ssl.SSLContext | None) -> None:
    url = urlsplit(api)
    host, port = url.hostname or "", url.port or 80
    address = TargetAddress(host, port, tls is not None, f"{host}:{port}")
    headers = [("Content-Type", "application/json")]
    request = RequestWriter("POST", address, headers).render(url.path.encode(), (), "0" * 32, _BODY)
    sender = HttpSender(address, tls=tls, connect_timeout=5, total_timeout=30)
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    under_way = min(requests, in_flight)
    not_begun = requests - under_way

    def send_on(outcome: Outcome) -> None:
        nonlocal not_begun, under_way
        if ended.done():
            return
        if not isinstance(outcome, Answer) or outcome.status != 201:
            ended.set_exception(RuntimeError(f"the API says {outcome}"))
        elif not_begun:
            not_begun -= 1
            sender.start([(request, send_on)])
        else:
            under_way -= 1
            if not under_way:
                ended.set_result(None)

    sender.start([(request, send_on)] * under_way)
    await ended
    await sender.aclose()


def main(arguments: Sequence[str]) -> None:
    api, requests, in_flight, *certificate = arguments
    tls = ssl.create_default_context(cafile=certificate[0]) if certificate else None
    uvloop.run(send(api, int(requests), int(in_flight), tls))


if __name__ == "__main__":
    main(sys.argv[1:])
