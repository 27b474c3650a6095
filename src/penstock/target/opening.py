"""Opens connections. Whatever goes wrong here, no byte of a request has been sent."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from penstock.target.base import NoAnswer
from penstock.target.connection import Connection
from penstock.target.wire import TargetAddress

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """The host's IP addresses, those to be tried first in front. Raises socket.gaierror."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Opener:
    """make: builds the protocol of one connection. timeout: seconds for resolving, connecting and the TLS handshake together."""

    def __init__(
        self,
        address: TargetAddress,
        *,
        tls: ssl.SSLContext | None,
        timeout: float,
        make: Callable[[], Connection],
        resolve: Resolve = resolve,
    ) -> None:
        self._address = address
        self._where = f"{address.host}:{address.port}"
        self._tls = tls
        self._timeout = timeout
        self._make = make
        self._resolve = resolve

    async def open(self, deadline: float) -> Connection | NoAnswer:
        """A connection that has carried nothing yet, before the loop's clock shows `deadline`; else why there is none."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        limit = min(began + self._timeout, deadline)
        try:
            async with asyncio.timeout_at(limit):
                return await self._connect(loop, limit)
        except TimeoutError:
            reason = f"no connection to {self._where} within {limit - began:.3g} s"
        except socket.gaierror as error:
            reason = f"cannot resolve {self._address.host}: {error.strerror}"
        except ssl.SSLCertVerificationError as error:
            reason = f"the certificate of {self._where} is not trusted: {error.verify_message.rstrip('.')}"
        except ssl.SSLError as error:
            reason = f"the TLS handshake with {self._where} failed: {_spoken(error.reason)}"
        except ConnectionRefusedError:
            reason = f"connection refused by {self._where}"
        except ConnectionError:
            reason = f"{self._where} closed the connection while it was being opened"
        except OSError as error:
            reason = f"cannot connect to {self._where}: {_explained(error)}"
        return NoAnswer(sent=False, reason=reason)

    async def _connect(self, loop: asyncio.AbstractEventLoop, limit: float) -> Connection:
        """Try the host's addresses in turn, each with its share of the time: one that is dead must not hide the others."""
        addresses = await self._resolve(self._address.host, self._address.port)
        while True:
            share = (limit - loop.time()) / len(addresses)
            try:
                async with asyncio.timeout(share):
                    return await self._connect_to(loop, addresses.pop(0))
            except OSError:  # ssl.SSLError and TimeoutError are such
                if not addresses:
                    raise

    async def _connect_to(self, loop: asyncio.AbstractEventLoop, ip_address: str) -> Connection:
        _, connection = await loop.create_connection(
            self._make,
            ip_address,
            self._address.port,
            ssl=self._tls,
            server_hostname=self._address.host if self._tls is not None else None,
        )
        try:
            await asyncio.sleep(
                0
            )  # a turn of the loop: what the server says before it is asked is heard now, and ends it
        except asyncio.CancelledError:
            connection.abort()
            raise
        return connection


def _spoken(reason: str | None) -> str:
    """WRONG_VERSION_NUMBER → "wrong version number"."""
    return (reason or "no reason given").replace("_", " ").lower()


def _explained(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
