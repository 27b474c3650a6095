"""The two processes that a proof keeps: the oracle, and the nursery that runs penstock."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.child import PATIENCE, Child
from tests.links.namespace import Namespace


@dataclass(frozen=True)
class Place:
    """Where penstock runs: its folder and all of its environment."""

    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def of_its_own(cls, folder: Path) -> Place:
        """Where journal and settings are to be found in this folder alone."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        return cls(folder, {**kept, "XDG_STATE_HOME": str(folder / "state")})


class Oracle:
    """The recording API. log: where it writes; port: where rows go."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self.log = log
        self._child = Child("tests.proof.oracle", "--log", str(log), *arguments)
        ports = self._child.hear()
        self.port = int(ports["port"])
        self._control = socket.create_connection(("127.0.0.1", int(ports["control"])), PATIENCE)
        self._answers = self._control.makefile("rb")

    def tell(self, **order: object) -> None:
        """mix, seed: what it does from now on. quiet: wait until nobody is connected, and no request can come any more."""
        self._control.sendall(json.dumps(order).encode() + b"\n")
        try:
            answer = self._answers.readline()
        except TimeoutError:
            raise AssertionError(
                f"the API has not done {order} within {PATIENCE:.0f} s; is somebody connected?"
            ) from None
        assert answer == b"{}\n"

    def kill(self) -> None:
        """`kill -9`: what it wrote is there."""
        self._child.kill()

    def close(self) -> None:
        self._answers.close()
        self._control.close()
        self._child.close()


class Nursery:
    """Runs `penstock ...`, one at a time, for as many places as one likes."""

    def __init__(self) -> None:
        self._child = Child("tests.proof.nursery")

    def warm_up(self, place: Place, arguments: Sequence[str]) -> None:
        """Run once, and import here what it imported: whoever runs the same later finds it there."""
        modules = place.folder / "modules.json"
        told = Place(place.folder, {**place.environment, "PENSTOCK_NURSERY_MODULES": str(modules)})
        code = self.wait(self.start(told, arguments, "warm-up"))
        assert code in (0, 1), (place.folder / "warm-up.err").read_text()
        self._child.ask({"import": json.loads(modules.read_text())})

    def start(
        self,
        place: Place,
        arguments: Sequence[str],
        output: str,
        *,
        held: bool = False,
        network: Namespace | None = None,
    ) -> int:
        """Returns the process's number. Its output goes to `output`.out and .err. held: it begins when told to `go`. network: the
        one that it lives in, if not this machine's."""
        order = {
            "arguments": list(arguments),
            "folder": str(place.folder),
            "environment": dict(place.environment),
            "output": str(place.folder / output),
            "held": held,
            "network": network and network.path,
        }
        return int(self._child.ask({"start": order})["child"])

    def go(self, child: int) -> None:
        self._child.ask({"go": child})

    def wait(self, child: int) -> int:
        """Its exit code; of a killed one minus the signal."""
        return int(self._child.ask({"wait": child})["code"])

    def close(self) -> None:
        self._child.close()
