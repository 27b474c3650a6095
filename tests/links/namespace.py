"""A network of its own for a process: nothing but its loopback is in it, so that only a link leads out of it.

It has no name and is nobody's but the process's that made it: when that ends, in whatever way, the network is gone.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Callable
from threading import Thread
from typing import TypeVar

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_LIBC = ctypes.CDLL(None, use_errno=True)

T = TypeVar("T")


class NoRight(Exception):
    """This machine lets nobody like us make networks. The message is one line."""


class Namespace:
    """path: by which another process of the same user enters it, as long as this one is not closed."""

    def __init__(self) -> None:
        self._file = _in_a_thread(_make)
        self.path = f"/proc/{os.getpid()}/fd/{self._file}"
        self.heal()

    def part(self) -> None:
        """Nothing gets through any more, and no end is told so."""
        inside(self.path, lambda: _set_loopback(up=False))

    def heal(self) -> None:
        inside(self.path, lambda: _set_loopback(up=True))

    def close(self) -> None:
        os.close(self._file)


def enter(path: str) -> None:
    """The calling thread, and what it starts, lives in this network from now on. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_LIBC.setns(file, _CLONE_NEWNET))
    finally:
        os.close(file)


def inside(path: str, act: Callable[[], T]) -> T:
    """What the function returns when it is called within this network. A socket that it makes stays there."""

    def entered() -> T:
        enter(path)
        return act()

    return _in_a_thread(entered)


def _make() -> int:
    try:
        _check(_LIBC.unshare(_CLONE_NEWNET))
    except OSError as error:
        raise NoRight(f"no network namespace can be made here ({error.strerror}): run this as root") from None
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _set_loopback(*, up: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP * up))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _in_a_thread(act: Callable[[], T]) -> T:
    """A thread has its network for itself: this process stays where it is."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(act())
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
