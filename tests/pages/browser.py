"""A real Chromium without a window, and what it is shown from."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium(folder: Path, *arguments: str) -> bytes:
    """Run it to its end; returns its stdout. folder: for its profile, which is new each time."""
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.fail("Chromium is not installed: scripts/install_chromium", pytrace=False)
    sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
    profile = ["--headless", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}"]
    # Of itself it would ask its makers for updates.
    alone = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    done = subprocess.run(
        [program, *sandbox, *profile, *alone, *arguments], capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


@contextmanager
def served(html: str) -> Iterator[tuple[str, list[str]]]:
    """The page's address, and the paths that were asked for, which grows."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.replace("ADDRESS", f"127.0.0.1:{server.server_port}").encode())

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/report.html", asked
        finally:
            server.shutdown()
            thread.join()


def colours(png: bytes) -> Counter[str]:
    """How many points of a picture have each colour, as "#2b6ca3"."""
    width, _, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert depth == 8
    step = {2: 3, 6: 4}[kind]
    data = zlib.decompress(b"".join(_chunks(png)))
    found: Counter[str] = Counter()
    above = bytearray(width * step)
    for start in range(0, len(data), width * step + 1):
        line = _unfiltered(data[start], bytearray(data[start + 1 : start + 1 + width * step]), above, step)
        found.update(line[at : at + 3].hex() for at in range(0, len(line), step))
        above = line
    return Counter({f"#{colour}": count for colour, count in found.items()})


def _chunks(png: bytes) -> Iterator[bytes]:
    at = 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        if name == b"IDAT":
            yield png[at + 8 : at + 8 + length]
        at += 12 + length


def _unfiltered(kind: int, line: bytearray, above: bytearray, step: int) -> bytearray:
    """PNG writes a line as what it differs by from its left or upper neighbours."""
    if kind == 2:
        return bytearray((value + up) & 255 for value, up in zip(line, above, strict=True))
    for at in range(len(line)) if kind else ():
        left, up = (line[at - step] if at >= step else 0), above[at]
        corner = above[at - step] if at >= step else 0
        line[at] = (line[at] + {1: left, 3: (left + up) // 2, 4: _nearest(left, up, corner)}[kind]) & 255
    return line


def _nearest(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))
