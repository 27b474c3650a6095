"""An API that tells the truth about what it was asked: it writes down what it is about to do, and then does it.

    python -m tests.proof.oracle --log FILE [--mix accept=90,lose=5,refuse=5] [--seed N] [--honours-keys] [--slow SECONDS]
                                 [--token TOKEN] [--fsync] [--port N]

Prints one JSON line with its two ports when it listens. Rows come as POST /rows/KEY on `port`. `control` takes JSON lines:
{"mix": "accept=1"} heals it (or the reverse), {"seed": N} draws anew, {"quiet": true} is answered when every connection has
ended, {"forget": true} makes every row a new one. A restarted one goes on where the log ends. It ends when its stdin does, and so
with whoever started it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.proof.http import Request, read_request, response
from tests.proof.modes import PLANS, Mix, Mode
from tests.proof.record import Line, Log


class Oracle:
    """token: whoever does not bring it is written down as not authorized."""

    def __init__(
        self, listening: socket.socket, log: Log, mix: Mix, *, honours_keys: bool, slow: float, token: str | None
    ) -> None:
        self.mix = mix
        self._listening = listening
        self._log = log
        self._honours_keys = honours_keys
        self._slow = slow
        self._token = token
        self._accepted = 0
        self._open: set[int] = set()
        self._guests: set[str] = set()  # addresses of connections that were there to be seen accepted
        self._changed = asyncio.Condition()
        self._requests: Counter[str] = Counter()
        self._receipts: dict[str, str] = {}  # of what was applied, by Idempotency-Key
        for line in log.lines_before:
            if line.phase == "arrived" and line.row is not None:
                self._requests[line.row] += 1
            if line.applied and line.key is not None and line.receipt is not None:
                self._receipts.setdefault(line.key, line.receipt)

    async def accept(self) -> None:
        """Serve whoever comes, for ever."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as connections:
            while True:
                client, address = await loop.sock_accept(self._listening)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.setblocking(False)
                self._accepted += 1
                self._open.add(self._accepted)
                self._guests.add(str(address))
                connections.create_task(self._serve(client, self._accepted))
                async with self._changed:
                    self._changed.notify_all()

    async def obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of whoever changes the modes."""
        while order := await reader.readline():
            told = json.loads(order)
            mix, seed = told.get("mix"), told.get("seed", self.mix.seed)
            self.mix = Mix(self.mix.weights, seed) if mix is None else Mix.parse(mix, seed)
            if told.get("quiet"):
                await self._quiet()
            if told.get("forget"):
                self._requests.clear()
                self._receipts.clear()
            writer.write(b"{}\n")
        writer.close()

    async def _serve(self, client: socket.socket, number: int) -> None:
        """One connection, one request after the other."""
        rest = b""
        try:
            with client, suppress(ConnectionError):
                while True:
                    request, rest = await read_request(client, rest)
                    if request is None:
                        self._note_broken(number, rest)
                        return
                    if not await self._answer(client, number, self._note_arrival(number, request)):
                        return
        finally:
            self._open.remove(number)
            async with self._changed:
                self._changed.notify_all()

    async def _answer(self, client: socket.socket, connection: int, arrived: Line) -> bool:
        """Whether the connection goes on."""
        answer = answer_of(arrived)
        if arrived.mode is Mode.SLOW:
            await asyncio.sleep(self._slow)
        await asyncio.get_running_loop().sock_sendall(client, answer)
        self._log.write(
            Line(self._log.next_seq(), time.time(), connection, "ended", request=arrived.seq, sent=len(answer))
        )
        return arrived.plan.status is not None and arrived.plan.whole

    async def _quiet(self) -> None:
        """Wait until every connection has ended that began before this was called: they are accepted in order."""
        with socket.create_connection(self._listening.getsockname()) as last:
            name = str(last.getsockname())
            async with self._changed:
                await self._changed.wait_for(lambda: name in self._guests)
        async with self._changed:
            await self._changed.wait_for(lambda: not self._open)

    def _note_arrival(self, connection: int, request: Request) -> Line:
        """Decide what becomes of the request, and write it down: from here on it has happened."""
        row, key = request.row, request.header("idempotency-key")
        self._requests[row or ""] += 1
        mode = self.mix.draw(row or "", self._requests[row or ""])
        known = self._receipts.get(key) if self._honours_keys and key is not None else None
        applies = known is None and PLANS[mode].applies
        seq = self._log.next_seq()
        receipt = f"R-{row}-{seq}" if applies else known
        line = Line(
            seq,
            time.time(),
            connection,
            "arrived",
            request=seq,
            row=row,
            key=key,
            body=hashlib.sha256(request.body).hexdigest(),
            authorized=self._token is None or request.header("authorization") == f"Bearer {self._token}",
            mode=mode,
            applied=applies,
            replayed=known is not None,
            receipt=receipt,
        )
        self._log.write(line)
        if key is not None and receipt is not None:
            self._receipts.setdefault(key, receipt)
        return line

    def _note_broken(self, connection: int, begun: bytes) -> None:
        if not begun:
            return
        request, seq = Request(begun.partition(b"\r\n\r\n")[0], b""), self._log.next_seq()
        row = request.row if b"\r\n" in begun else None
        key = request.header("idempotency-key")
        self._log.write(Line(seq, time.time(), connection, "broken", request=seq, row=row, key=key))


def answer_of(line: Line) -> bytes:
    """What goes back to this arrival."""
    plan = line.plan
    if plan.status is None:
        return b""
    answer = response(plan.status, line.receipt if plan.status == 201 else None)
    if not plan.whole:
        return answer[:-5]
    if line.mode is Mode.STRAY and not line.replayed:
        return answer + response(201, f"STRAY-{line.seq}")
    return answer


async def _run(options: argparse.Namespace) -> None:
    listening = socket.create_server(("127.0.0.1", options.port), backlog=512)
    listening.setblocking(False)
    oracle = Oracle(
        listening,
        Log(options.log, on_disk=options.fsync),
        Mix.parse(options.mix, options.seed),
        honours_keys=options.honours_keys,
        slow=options.slow,
        token=options.token,
    )
    control = await asyncio.start_server(oracle.obey, "127.0.0.1", 0)
    ports = {"port": listening.getsockname()[1], "control": control.sockets[0].getsockname()[1]}
    os.write(1, json.dumps(ports).encode() + b"\n")
    accepting = asyncio.create_task(oracle.accept())
    orphaned = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, orphaned.set)  # nobody writes there
    await orphaned.wait()
    accepting.cancel()
    control.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proof.oracle")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--mix", default="accept=1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--honours-keys", action="store_true")
    parser.add_argument("--slow", type=float, default=0.05)
    parser.add_argument("--token")
    parser.add_argument("--fsync", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_run(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
