"""A link in its own process, as a test holds it."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any

from tests.child import PATIENCE, Child
from tests.links.namespace import Namespace
from tests.links.traps import Trap


class LinkProcess:
    """to: the port of this machine that it leads to. speaks: mysql, postgresql; None: bytes alone. namespaces: where it is to
    be reached too. port: where it begins, everywhere the same."""

    def __init__(self, to: int, *, speaks: str | None = None, namespaces: Sequence[Namespace] = ()) -> None:
        within = [word for namespace in namespaces for word in ("--in", namespace.path)]
        self._child = Child("tests.links.link", "--to", str(to), *(["--speaks", speaks] if speaks else []), *within)
        ports = self._child.hear()
        self.port = int(ports["port"])
        self._control = socket.create_connection(("127.0.0.1", int(ports["control"])), PATIENCE)
        self._answers = self._control.makefile("rb")

    @property
    def sprung(self) -> int:
        """How many traps something has run into."""
        return int(self._tell()["sprung"])

    def set_trap(self, trap: Trap | None) -> None:
        """In the place of the one before."""
        told = trap and {
            "at": trap.at,
            "does": trap.does,
            "number": trap.number,
            "way": trap.way,
            "words": trap.words,
        }
        self._tell(trap=told)

    def until_sprung(self, times: int) -> None:
        """Wait until so many traps have been, since it began."""
        self._tell(sprung=times)

    def release(self) -> None:
        """What a trap holds goes on; the next one that holds something holds it again."""
        self._tell(release=True)

    def tear(self) -> None:
        """Every connection is reset; new ones are served."""
        self._tell(tear=True)

    def shut(self, *, until_opened: bool) -> None:
        """Every connection is reset, new ones too, until it is opened."""
        self._tell(shut=until_opened)

    def be_deaf(self, *, until_healed: bool) -> None:
        """Bytes are taken, and none are passed on, until it is healed: then whoever lost some is reset."""
        self._tell(deaf=until_healed)

    def be_late(self, seconds: float) -> None:
        """Whatever passes waits so long, each way."""
        self._tell(delay=seconds)

    def heal(self) -> None:
        """Everything passes again."""
        self._tell(trap=None, deaf=False, shut=False, delay=0.0, release=True)

    def close(self) -> None:
        self._answers.close()
        self._control.close()
        self._child.close()

    def _tell(self, **order: object) -> dict[str, Any]:
        self._control.sendall(json.dumps(order).encode() + b"\n")
        answer = json.loads(self._answers.readline())
        assert isinstance(answer, dict)
        return answer
