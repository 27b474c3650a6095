"""Whom the sender believes to be the API, and that nothing is sent to anybody else. Certificates are made here."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.target.conftest import within

from penstock.errors import JobError
from penstock.spec.models import Tls
from penstock.target.base import Answer, NoAnswer
from penstock.target.tls import tls_context
from penstock.target.wire import TargetAddress

if TYPE_CHECKING:
    from tests.target.conftest import MakeSender, Peer, StartApi

REQUEST = b"POST /orders HTTP/1.1\r\nHost: api.test\r\nContent-Length: 2\r\n\r\n{}"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LARGE = b"POST /orders HTTP/1.1\r\nHost: api.test\r\nContent-Length: 4000000\r\n\r\n" + b"0" * 4_000_000


@dataclass
class Authority:
    """Issues certificates into a folder, as PEM files."""

    folder: Path
    name: str

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        certificate = (
            self._builder(self._subject, self._key, days=1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.file = self.folder / f"{self.name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, host: str, *, days: int = 1, passphrase: bytes = b"") -> tuple[Path, Path]:
        """A certificate for a host that ends in `days` days; its file and its key's."""
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), key, days=days)
            .add_extension(x509.SubjectAlternativeName([named]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        cert_file, key_file = self.folder / f"{host}.pem", self.folder / f"{host}.key"
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        )
        return cert_file, key_file

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
        until = datetime.now(UTC) + timedelta(days=days)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(until - timedelta(days=10))
            .not_valid_after(until)
        )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "trusted")


def serving(files: tuple[Path, Path], *, clients_from: Authority | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    if clients_from is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients_from.file)
    return context


def trusting(authority: Authority, **client: str) -> ssl.SSLContext:
    return tls_context(Tls(ca=str(authority.file), **client))


async def test_an_api_with_a_trusted_certificate_is_used_over_one_connection(
    authority: Authority, start_api: StartApi, make_sender: MakeSender
) -> None:
    api = await start_api(OK, tls=serving(authority.issue("127.0.0.1")))
    sender = make_sender(api, tls=trusting(authority))
    for _ in range(5):
        assert isinstance(await sender.send(REQUEST), Answer)
    assert isinstance(await sender.send(LARGE), Answer)
    assert isinstance(await sender.send(REQUEST), Answer)
    assert api.connections == 1
    assert len(api.requests) == 7


@pytest.mark.parametrize(
    ("host", "days", "reason"),
    [
        ("127.0.0.1", -1, "certificate has expired"),
        ("127.0.0.2", 1, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
        ("other.test", 1, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ],
)
async def test_h05_a_wrong_certificate_is_sent_nothing(
    authority: Authority, start_api: StartApi, make_sender: MakeSender, host: str, days: int, reason: str
) -> None:
    api = await start_api(OK, tls=serving(authority.issue(host, days=days)))
    outcome = await make_sender(api, tls=trusting(authority)).send(REQUEST)
    where = f"127.0.0.1:{api.address.port}"
    assert outcome == NoAnswer(sent=False, reason=f"the certificate of {where} is not trusted: {reason}")
    assert api.requests == []


async def test_h05_an_unknown_authority_is_sent_nothing(
    authority: Authority, start_api: StartApi, make_sender: MakeSender
) -> None:
    stranger = Authority(authority.folder, "stranger")
    api = await start_api(OK, tls=serving(stranger.issue("127.0.0.1")))
    for context in (trusting(authority), tls_context(Tls())):
        outcome = await make_sender(api, tls=context).send(REQUEST)
        assert isinstance(outcome, NoAnswer)
        assert not outcome.sent
        assert outcome.reason.endswith("is not trusted: unable to get local issuer certificate")
    assert api.requests == []


async def test_a_server_without_tls_is_told_so(
    authority: Authority, start_api: StartApi, make_sender: MakeSender
) -> None:
    async def plain(peer: Peer) -> None:
        await peer.read(5)
        await peer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await peer.close()

    api = await start_api(plain)
    outcome = await make_sender(replace(api.address, tls=True), tls=trusting(authority)).send(REQUEST)
    where = f"127.0.0.1:{api.address.port}"
    assert outcome == NoAnswer(sent=False, reason=f"the TLS handshake with {where} failed: wrong version number")


async def test_h06_a_close_within_the_handshake_has_sent_nothing(
    authority: Authority, start_api: StartApi, make_sender: MakeSender
) -> None:
    async def rude(peer: Peer) -> None:
        await peer.read(5)
        peer.reset()

    api = await start_api(rude)
    outcome = await make_sender(replace(api.address, tls=True), tls=trusting(authority)).send(REQUEST)
    assert isinstance(outcome, NoAnswer)
    assert not outcome.sent
    assert f"127.0.0.1:{api.address.port}" in outcome.reason


async def test_a_handshake_that_never_ends_is_cut_by_the_connect_timeout(
    authority: Authority, start_api: StartApi, make_sender: MakeSender
) -> None:
    closed = asyncio.Event()

    async def silent(peer: Peer) -> None:
        await peer.until_closed()
        closed.set()

    api = await start_api(silent)
    sender = make_sender(replace(api.address, tls=True), tls=trusting(authority), connect_timeout=0.1)
    outcome = await sender.send(REQUEST)
    assert outcome == NoAnswer(sent=False, reason=f"no connection to 127.0.0.1:{api.address.port} within 0.1 s")
    await within(5, closed)


async def test_a_client_certificate_opens_the_door(
    authority: Authority, start_api: StartApi, make_sender: MakeSender
) -> None:
    api = await start_api(OK, tls=serving(authority.issue("127.0.0.1"), clients_from=authority))
    cert, key = authority.issue("client.test")
    outcome = await make_sender(api, tls=trusting(authority, cert=str(cert), key=str(key))).send(REQUEST)
    assert isinstance(outcome, Answer)


class StrictServer:
    """A server in threads, with the handshake in its own hands. It tells why it ends one; asyncio's keeps that to itself."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(5)
        self.address = TargetAddress("127.0.0.1", self._listener.getsockname()[1], True, "api.test")

    def serve(self, *, after: threading.Event | None = None) -> bytes:
        """One connection, whose handshake may begin after an event: what the client could say."""
        plain, _ = self._listener.accept()
        with self._listener, plain:
            plain.settimeout(5)
            if after is not None:
                after.wait(5)
            try:
                encrypted = self._context.wrap_socket(plain.dup(), server_side=True)
            except OSError:
                with suppress(OSError):
                    plain.shutdown(socket.SHUT_WR)
                    while plain.recv(1000):
                        pass
                return b""
            with encrypted, suppress(ConnectionResetError):
                return encrypted.recv(1000)
        return b""

    def speak_first(self, words: bytes) -> bytes:
        """The last bytes of the handshake and these words in one go (TLS 1.2 can): what the client said to that."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self._context.wrap_bio(incoming, outgoing, server_side=True)
        plain, _ = self._listener.accept()
        with self._listener, plain:
            plain.settimeout(5)
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    incoming.write(plain.recv(100_000))
            tls.write(words)
            plain.sendall(outgoing.read())
            with suppress(ConnectionResetError):
                while received := plain.recv(100_000):
                    incoming.write(received)
        incoming.write_eof()
        try:
            return tls.read(1000)
        except ssl.SSLError:
            return b""

    def serve_the_second_first(self) -> tuple[bytes, bytes]:
        """Two connections: what their clients said. Neither gets an answer."""
        with self._listener:
            first, second = self._listener.accept()[0], self._listener.accept()[0]
        requests = []
        ends = []
        for plain in (second, first):
            plain.settimeout(5)
            ends.append(self._context.wrap_socket(plain, server_side=True))
            requests.append(ends[-1].recv(1000))
        for end in ends:
            with end, suppress(OSError):
                end.recv(1000)
        return requests[0], requests[1]


async def test_a_request_whose_connection_took_long_still_ends_in_time(
    authority: Authority, make_sender: MakeSender
) -> None:
    """Its deadline is earlier than that of the request which went out before it."""
    server = StrictServer(serving(authority.issue("127.0.0.1")))
    loop = asyncio.get_running_loop()
    serve = loop.run_in_executor(None, server.serve_the_second_first)
    sender = make_sender(server.address, tls=trusting(authority), total_timeout=0.6)
    began = loop.time()
    first = asyncio.ensure_future(sender.send(REQUEST))
    while loop.time() < began + 0.3:
        await asyncio.wait([first], timeout=0.01)
    second = asyncio.ensure_future(sender.send(REQUEST))
    assert await first == NoAnswer(sent=True, reason="no answer within 0.6 s")
    assert not second.done()
    assert loop.time() - began == pytest.approx(0.6, abs=0.15)
    assert await second == NoAnswer(sent=True, reason="no answer within 0.6 s")
    assert await serve == (REQUEST, REQUEST)


async def test_a_server_that_speaks_first_is_sent_nothing(authority: Authority, make_sender: MakeSender) -> None:
    context = serving(authority.issue("127.0.0.1"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    server = StrictServer(context)
    speak = asyncio.get_running_loop().run_in_executor(None, server.speak_first, OK)
    outcome = await make_sender(server.address, tls=trusting(authority)).send(REQUEST)
    assert outcome == NoAnswer(sent=False, reason="closed before anything was sent")
    assert await speak == b""


async def test_closing_while_a_connection_is_opened_sends_nothing(
    authority: Authority, make_sender: MakeSender
) -> None:
    server = StrictServer(serving(authority.issue("127.0.0.1")))
    closed = threading.Event()
    serve = asyncio.get_running_loop().run_in_executor(None, lambda: server.serve(after=closed))
    sender = make_sender(server.address, tls=trusting(authority))
    sending = asyncio.ensure_future(sender.send(REQUEST))
    await asyncio.wait([sending], timeout=0.05)
    await sender.aclose()
    closed.set()
    assert await sending == NoAnswer(sent=False, reason="the sender is closed")
    assert await serve == b""


async def test_h05_an_old_protocol_is_sent_nothing(authority: Authority, make_sender: MakeSender) -> None:
    old = serving(authority.issue("127.0.0.1"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    server = StrictServer(old)
    serve = asyncio.get_running_loop().run_in_executor(None, server.serve)
    outcome = await make_sender(server.address, tls=trusting(authority)).send(REQUEST)
    where = f"127.0.0.1:{server.address.port}"
    reason = f"the TLS handshake with {where} failed: tlsv1 alert protocol version"
    assert outcome == NoAnswer(sent=False, reason=reason)
    assert await serve == b""


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (ssl.TLSVersion.TLSv1_2, "the TLS handshake with 127.0.0.1:{port} failed: sslv3 alert handshake failure"),
        (
            ssl.TLSVersion.TLSv1_3,
            "the server refused the TLS handshake: it requires a client certificate (target.tls.cert, target.tls.key)",
        ),
    ],
)
async def test_a_missing_client_certificate_has_sent_nothing(
    authority: Authority, make_sender: MakeSender, version: ssl.TLSVersion, reason: str
) -> None:
    """TLS 1.3 lets the client send before the server has looked at its certificate; the server then reads none of it."""
    context = serving(authority.issue("127.0.0.1"), clients_from=authority)
    context.maximum_version = version
    server = StrictServer(context)
    serve = asyncio.get_running_loop().run_in_executor(None, server.serve)
    outcome = await make_sender(server.address, tls=trusting(authority)).send(REQUEST)
    assert outcome == NoAnswer(sent=False, reason=reason.format(port=server.address.port))
    assert await serve == b""


async def test_a_client_certificate_of_a_stranger_has_sent_nothing(
    authority: Authority, make_sender: MakeSender
) -> None:
    cert, key = Authority(authority.folder, "stranger").issue("client.test")
    server = StrictServer(serving(authority.issue("127.0.0.1"), clients_from=authority))
    serve = asyncio.get_running_loop().run_in_executor(None, server.serve)
    sender = make_sender(server.address, tls=trusting(authority, cert=str(cert), key=str(key)))
    unknown = "the server refused the TLS handshake: it does not know the CA of the client certificate"
    assert await sender.send(REQUEST) == NoAnswer(sent=False, reason=unknown)
    assert await serve == b""


@pytest.mark.parametrize("stray", [OK, b"x"])
async def test_h13_strays_are_no_answers_over_tls_either(
    authority: Authority, start_api: StartApi, make_sender: MakeSender, stray: bytes
) -> None:
    api = await start_api(OK + stray, tls=serving(authority.issue("127.0.0.1")))
    sender = make_sender(api, tls=trusting(authority))
    for _ in range(3):
        answer = await sender.send(REQUEST)
        assert isinstance(answer, Answer)
        assert answer.body == b"ok"
    assert api.connections == 3


async def test_h11_a_close_without_an_answer_over_tls_is_sent(
    authority: Authority, start_api: StartApi, make_sender: MakeSender
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.close()

    api = await start_api(script, tls=serving(authority.issue("127.0.0.1")))
    outcome = await make_sender(api, tls=trusting(authority)).send(REQUEST)
    assert outcome == NoAnswer(sent=True, reason="closed without an answer")


@pytest.mark.parametrize(
    ("cert", "key", "message"),
    [
        ("client.test.pem", "other.test.key", "{key} does not belong to the certificate in {cert}"),
        ("client.test.pem", "locked.test.key", "{cert} and {key} hold no certificate with its key"),
        ("client.test.key", "client.test.key", "{cert} and {key} hold no certificate with its key"),
        ("client.test.pem", "empty.pem", "{cert} and {key} hold no certificate with its key"),
        ("client.test.pem", "gone.key", "cannot read {cert} or {key}: No such file or directory"),
    ],
)
def test_a_certificate_and_key_that_cannot_be_used_are_named(
    authority: Authority, cert: str, key: str, message: str
) -> None:
    authority.issue("client.test")
    authority.issue("other.test")
    authority.issue("locked.test", passphrase=b"secret")
    for name in ("empty.pem", "gone.key"):
        (authority.folder / name).write_text("")
    paths = {"cert": str(authority.folder / cert), "key": str(authority.folder / key)}
    tls = Tls(**paths)
    (authority.folder / "gone.key").unlink()
    with pytest.raises(JobError) as raised:
        tls_context(tls)
    assert message.format(**paths) in str(raised.value)


def test_an_authority_that_cannot_be_read_is_named(authority: Authority) -> None:
    empty = authority.folder / "empty.pem"
    empty.write_text("")
    tls = Tls(ca=str(empty))
    with pytest.raises(JobError, match=r"target\.tls\.ca: .*empty\.pem holds no certificate in PEM form"):
        tls_context(tls)
    empty.unlink()
    with pytest.raises(JobError, match=r"target\.tls\.ca: cannot read .*empty\.pem: No such file"):
        tls_context(tls)
