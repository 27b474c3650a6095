"""The new shop's service as a child process: started, waited for, and gone with whoever started it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from examples.shop.journey.servers import Stores
from examples.shop.journey.stage import ROOT, CommandFailed, Stage

from penstock.demo.processes import end


@contextmanager
def running_service(
    stage: Stage, stores: Stores, *, workers: int, rate: float, host: str = "127.0.0.1"
) -> Iterator[str]:
    """Yields its URL, once it may be called. host: the address that it listens on."""
    options = ["--mysql", stores.new, "--mongodb", stores.documents, "--workers", str(workers), "--rate", str(rate)]
    print(
        f"$ python -m examples.shop.service --mysql ... --mongodb ... --workers {workers} --rate {rate:g} &", flush=True
    )
    # Its own session: a Ctrl-C is for the run; the service must still be there while the run finishes what is on the wire.
    with subprocess.Popen(  # noqa: S603  this interpreter and our own module
        [sys.executable, "-m", "examples.shop.service", "--with-parent", "--host", host, *options],
        cwd=ROOT,
        env=stage.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise CommandFailed(f"the service ended with {process.wait()} before it listened")
            yield f"http://{host}:{json.loads(line)['port']}"
        finally:
            end(process)
