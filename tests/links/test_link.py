"""A link passes everything until it is told to fail, and then fails as it was told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from tests.links.namespace import Namespace, inside
from tests.links.process import LinkProcess
from tests.links.traps import At, Does, Trap, Way

CALL = b"0123456789"
DRIVERS = {"mysql": "mysql+asyncmy", "postgresql": "postgresql+asyncpg"}


class Echo:
    """A server that says everything back in capitals of its own: `<` before it, `>` behind it."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.heard: list[bytes] = []
        self.has_heard = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    self.heard.append(data)
                    self.has_heard.set()
                    connection.sendall(b"<" + data + b">")
            except ConnectionError:
                pass


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo()
    yield echo
    echo.close()


@pytest.fixture
def link(echo: Echo) -> Iterator[LinkProcess]:
    link = LinkProcess(echo.port)
    yield link
    link.close()


def call(port: int, patience: float = 10) -> bytes:
    """What comes back; what came before the connection was reset, and then `!`."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), patience) as connection:
            connection.sendall(CALL)
            while not answer.endswith(b">") and (data := connection.recv(65536)):
                answer += data
    except ConnectionResetError:
        answer += b"!"
    return answer


def test_what_nobody_disturbs_passes_both_ways(echo: Echo, link: LinkProcess) -> None:
    assert call(link.port) == b"<" + CALL + b">"
    assert echo.heard == [CALL]


@pytest.mark.parametrize("number", range(1, len(CALL) + 1))
def test_a_request_is_cut_at_any_byte_and_what_stands_before_it_arrives(
    echo: Echo, link: LinkProcess, number: int
) -> None:
    link.set_trap(Trap(At.BYTE, Does.CUT, number))
    assert call(link.port) == b"!"
    assert b"".join(echo.heard) in (CALL[: number - 1], b"")  # a reset may overtake what was on the wire
    assert call(link.port) == b"<" + CALL + b">"


@pytest.mark.parametrize("number", range(1, len(CALL) + 3))
def test_an_answer_is_cut_at_any_byte(link: LinkProcess, number: int) -> None:
    link.set_trap(Trap(At.BYTE, Does.CUT, number, Way.BACK))
    answer = call(link.port)
    assert answer.endswith(b"!")
    assert (b"<" + CALL + b">").startswith(answer[:-1])
    assert len(answer) <= number
    assert link.sprung == 1


def test_what_is_held_goes_on_when_it_is_released(echo: Echo, link: LinkProcess) -> None:
    link.set_trap(Trap(At.PACKET, Does.HOLD))
    answers: list[bytes] = []
    caller = threading.Thread(target=lambda: answers.append(call(link.port)))
    caller.start()
    link.until_sprung(1)
    assert echo.heard == []
    link.release()
    caller.join()
    assert answers == [b"<" + CALL + b">"]


def test_an_answer_that_is_held_was_given_and_comes_when_it_is_released(echo: Echo, link: LinkProcess) -> None:
    link.set_trap(Trap(At.PACKET, Does.HOLD_ANSWER))
    answers: list[bytes] = []
    caller = threading.Thread(target=lambda: answers.append(call(link.port)))
    caller.start()
    echo.has_heard.wait(10)
    assert echo.heard == [CALL]
    assert answers == []
    link.release()
    caller.join()
    assert answers == [b"<" + CALL + b">"]


def test_an_answer_that_is_swallowed_was_given(echo: Echo, link: LinkProcess) -> None:
    link.set_trap(Trap(At.PACKET, Does.SWALLOW))
    assert call(link.port) == b"!"
    assert echo.heard == [CALL]


def test_a_deaf_link_takes_bytes_and_passes_none_and_is_reset_when_it_heals(echo: Echo, link: LinkProcess) -> None:
    link.be_deaf(until_healed=True)
    with socket.create_connection(("127.0.0.1", link.port), 10) as connection:
        connection.sendall(CALL)
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(10)
        link.heal()
        with pytest.raises(ConnectionError):
            connection.recv(1)
    assert echo.heard == []
    assert call(link.port) == b"<" + CALL + b">"


def test_a_link_that_is_shut_resets_everybody_until_it_is_opened(link: LinkProcess) -> None:
    link.shut(until_opened=True)
    assert call(link.port) == b"!"
    link.heal()
    assert call(link.port) == b"<" + CALL + b">"


def test_whoever_is_connected_is_torn_off(link: LinkProcess) -> None:
    with socket.create_connection(("127.0.0.1", link.port), 10) as connection:
        connection.sendall(CALL)
        assert connection.recv(100) == b"<" + CALL + b">"
        link.tear()
        with pytest.raises(ConnectionError):
            connection.recv(1)


def test_a_network_of_its_own_leads_nowhere_but_to_the_link_and_can_be_parted(echo: Echo) -> None:
    namespace = Namespace()
    link = LinkProcess(echo.port, namespaces=[namespace])
    try:
        assert inside(namespace.path, lambda: call(link.port)) == b"<" + CALL + b">"
        with pytest.raises(ConnectionRefusedError):
            inside(namespace.path, lambda: call(echo.port))
        namespace.part()
        with pytest.raises(TimeoutError):
            inside(namespace.path, lambda: call(link.port, 0.1))
        assert call(link.port) == b"<" + CALL + b">"
        namespace.heal()
        assert inside(namespace.path, lambda: call(link.port)) == b"<" + CALL + b">"
    finally:
        link.close()
        namespace.close()


@pytest.mark.parametrize(("does", "committed"), [(Does.CUT, 1), (Does.SWALLOW, 2)])
async def test_a_commit_is_lost_on_its_way_or_its_answer_is(server_url: str, does: Does, committed: int) -> None:
    """The second one; the first one passes. Lost is the connection in both cases, and the row in one."""
    url = make_url(server_url)
    assert url.port is not None
    link = LinkProcess(url.port, speaks=url.drivername)
    driver = DRIVERS[url.drivername]
    direct = create_async_engine(url.set(drivername=driver), poolclass=NullPool)
    linked = create_async_engine(url.set(drivername=driver, port=link.port), poolclass=NullPool)
    try:
        async with direct.begin() as connection:
            await connection.execute(text("CREATE TABLE facts (number INT PRIMARY KEY)"))
        link.set_trap(Trap(At.COMMIT, does, 2))
        async with linked.begin() as connection:
            await connection.execute(text("INSERT INTO facts VALUES (1)"))
        with pytest.raises((DBAPIError, OSError)):
            async with linked.begin() as connection:
                await connection.execute(text("INSERT INTO facts VALUES (2)"))
        assert link.sprung == 1
        async with direct.connect() as connection:
            assert (await connection.execute(text("SELECT COUNT(*) FROM facts"))).scalar_one() == committed
    finally:
        await linked.dispose()
        await direct.dispose()
        link.close()
