"""A RabbitMQ node of a test's own, for what may be done to none that others use: killed, starved, reconfigured."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

_CONFIGURATION = """\
default_user = penstock
default_pass = penstock
log.console = false
log.file = node.log
"""

# Milliseconds after which a channel looks again whether a message has waited too long to be acknowledged.
_ADVANCED = "[{rabbit, [{channel_tick_interval, 1000}]}]."

_COMMANDS = "/usr/lib/rabbitmq/bin"  # Debian's: those in its PATH run as the user of the system's service


class OwnRabbitmq:
    """Made by `own_rabbitmq`. A channel looks every second whether a message has waited longer than `consumer_timeout`."""

    def __init__(self, folder: Path, port: int, surroundings: dict[str, str]) -> None:
        self.port = port
        self.url = f"amqp://penstock:penstock@127.0.0.1:{port}/"
        self._folder = folder
        self._surroundings = surroundings
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns when it takes connections."""
        self._process = subprocess.Popen(
            ["rabbitmq-server"],
            cwd=self._folder,
            env=self._surroundings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        _read_until("completed with", self._process.stdout)

    def restart(self) -> None:
        """Asked to end, and started again: what it notes of a new queue is on the disk then. RabbitMQ 3.10 takes seconds for it,
        and a node that is killed before has lost the queue's log with all that it had confirmed."""
        self.steer("stop")
        assert self._process is not None
        self._process.communicate()
        self.start()

    def kill(self) -> None:
        """As when the machine's memory runs out: SIGKILL, to the node and to the shell that looks after it."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def steer(self, *words: str) -> str:
        """What rabbitmqctl says. It is a program of Erlang's as well, and takes one or two seconds."""
        done = subprocess.run(
            ["rabbitmqctl", "--quiet", *words], env=self._surroundings, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


@contextmanager
def own_rabbitmq(folder: Path) -> Iterator[OwnRabbitmq]:
    """A new one, gone after the block."""
    folder.mkdir(exist_ok=True)
    (folder / "rabbitmq.conf").write_text(_CONFIGURATION)
    (folder / "advanced.config").write_text(_ADVANCED)
    (folder / "plugins").write_text("[].")
    cookie = folder / ".erlang.cookie"
    cookie.write_text(os.urandom(20).hex())
    cookie.chmod(0o400)
    port, between_nodes, mapper = _free_ports(3)
    surroundings = {
        "PATH": f"{_COMMANDS}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"own-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(between_nodes),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none",
    }
    # It is told who is where by a node, and outlives it: here it is a child of ours, and ends with the block.
    with ExitStack() as ending:
        names = subprocess.Popen(["epmd"], env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ending.callback(names.communicate)
        ending.callback(names.kill)
        node = OwnRabbitmq(folder, port, surroundings)
        node.start()
        ending.callback(node.kill)
        yield node


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        listening = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listening]


def _read_until(words: str, lines: IO[str]) -> None:
    seen = []
    for line in lines:
        seen.append(line)
        if words in line:
            return
    raise AssertionError(f"the node has ended: {''.join(seen)}")
