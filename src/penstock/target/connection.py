"""One connection to the new service: one request at a time, and no byte left over from one answer to the next."""

from __future__ import annotations

import asyncio
import re
import select
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol, cast

from penstock.target.answer_parser import AnswerParser, BadAnswer
from penstock.target.base import Answer, Done, NoAnswer, Outcome
from penstock.target.heads import KnownHeads

# Servers close idle connections after 5 s (Node) or more, unannounced; a request that crosses such a close is in doubt.
MAX_IDLE = 4.0


class HasFileDescriptor(Protocol):
    def fileno(self) -> int: ...


class Connection(asyncio.Protocol):
    """heads: what the answers of this server are known to begin with.
    on_idle: called when an answer is through and the connection may carry another request.

    done: to be told what the request under way comes to; None while there is none. deadline: on the loop's clock, its end.
    idle_until: when an idle connection is too old to be used again.
    has_strayed: the server has said what nobody asked for. (Not so if it was blank, or a refusal as servers say it in parting.)
    lost: done when the connection is gone for good; says why, for people, should nothing have been sent on it.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_idle: Callable[[Connection], None], heads: KnownHeads
    ) -> None:
        self._loop = loop
        self._on_idle = on_idle
        self._parser = AnswerParser(heads)
        self._poll = select.poll()
        self._is_unwritten = False
        self._is_used = False
        self.has_strayed = False
        self.done: Done | None = None
        self.deadline = 0.0
        self.idle_until = 0.0
        self.lost: asyncio.Future[str] = loop.create_future()

    @property
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def may_be_used_again(self, now: float) -> bool:
        """Whether an idle connection may carry another request. Asks the kernel too: an end or a byte that nobody asked
        for may have come since the loop last looked, and it must not pass for the next answer."""
        return now < self.idle_until and not self._transport.is_closing() and not self._poll.poll(0)

    def request(self, data: bytes, deadline: float, done: Done) -> None:
        """Write one request. From here on its bytes may be in the kernel's hands. done: called with what it comes to, once, and
        not within this call."""
        self._parser.next()
        self.deadline = deadline
        self.done = done
        self._transport.write(data)

    def expire(self, seconds: float) -> None:
        """The time of the request under way is over, `seconds` after it began."""
        what = "the request was not taken" if self._is_unwritten else "no answer"
        self.end(NoAnswer(sent=True, reason=f"{what} within {seconds:g} s"))

    def end(self, outcome: Outcome) -> None:
        """The request under way, if there is one, comes to this, and the connection goes. Unsent bytes stay unsent."""
        done, self.done = self.done, None
        self._transport.abort()
        if done is not None:
            done(outcome)

    def abort(self) -> None:
        """Close at once; whoever waits for an answer has stopped waiting."""
        self.done = None
        self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # So that pause_writing tells whenever not everything has been taken yet. (At 0 a TLS transport never resumes.)
        is_tls = transport.get_extra_info("sslcontext") is not None
        self._transport.set_write_buffer_limits(high=int(is_tls), low=0)
        socket: HasFileDescriptor = transport.get_extra_info("socket")
        self._poll.register(socket.fileno(), select.POLLIN)

    def pause_writing(self) -> None:
        self._is_unwritten = True

    def resume_writing(self) -> None:
        self._is_unwritten = False

    def data_received(self, data: bytes) -> None:
        if self.done is None:  # nobody asked
            self.has_strayed = self.has_strayed or (not data.isspace() and not data.startswith(_PARTING))
            self.abort()
            return
        try:
            answer = self._parser.feed(data)
        except BadAnswer as bad:
            self.end(NoAnswer(sent=True, reason=str(bad)))
            return
        if answer is not None:
            self._answered(answer)

    def eof_received(self) -> None:
        if self.done is None:
            return
        try:
            answer = self._parser.finish()
        except BadAnswer as bad:
            self.end(NoAnswer(sent=True, reason=str(bad)))
        else:
            self._answered(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        refusal = self._refusal_of_handshake(exc)
        if self.done is not None:
            self.end(NoAnswer(sent=False, reason=refusal) if refusal else self._without_answer())
        self.lost.set_result(refusal or "closed before anything was sent")

    def _answered(self, answer: Answer) -> None:
        parser = self._parser
        self.has_strayed = parser.has_strays
        if self._is_unwritten and answer.status < 400:
            # Whoever agrees to half a request has not understood it.
            early = f"answered {answer.status} before the whole request was written"
            self.end(NoAnswer(sent=True, reason=early))
        elif self._is_unwritten or parser.has_strays or not parser.keeps_open:
            self.end(answer)
        else:
            done, self.done = self.done, None
            self._is_used = True
            self.idle_until = self._loop.time() + idle_limit(parser.keep_alive)
            self._on_idle(self)
            if done is not None:
                done(answer)

    def _without_answer(self) -> NoAnswer:
        where = "within the answer" if self._parser.has_begun else "before an answer"
        return NoAnswer(sent=True, reason=f"the connection broke {where}")

    def _refusal_of_handshake(self, error: Exception | None) -> str:
        """Why the server has ended the TLS handshake; empty if it has not."""
        if self._is_used or self._parser.has_begun or not isinstance(error, ssl.SSLError):
            return ""
        alert = _REFUSED_HANDSHAKE.get(error.reason or "", "")
        return alert and f"the server refused the TLS handshake: {alert}"


# In TLS 1.3 the client may send before the server has judged its certificate. A server that ends the handshake with one of
# these alerts has not read a byte of the request.
_REFUSED_HANDSHAKE = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it requires a client certificate (target.tls.cert, target.tls.key)",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know the CA of the client certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not take the client certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it does not support this kind of client certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the client certificate has expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "the client certificate has been revoked",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not take the client certificate",
}

_PARTING = (b"HTTP/1.1 4", b"HTTP/1.0 4")  # 408 Request Timeout, 400 Bad Request

_TIMEOUT = re.compile(r"\btimeout\s*=\s*\"?(\d{1,9})\b", re.IGNORECASE | re.ASCII)


@lru_cache(maxsize=64)
def idle_limit(keep_alive: str) -> float:
    """Seconds for which a connection may lie idle: half of what the server's Keep-Alive header grants, at most MAX_IDLE."""
    hint = _TIMEOUT.search(keep_alive)
    return min(MAX_IDLE, int(hint[1]) / 2) if hint else MAX_IDLE
