"""Encryption on the way to PostgreSQL: asked for as its own programs ask, and checked where an authority is named."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from benchmarks.certificate import write_certificate
from pydantic import SecretStr

from penstock.database.connect import open_database
from penstock.database.faults import DATABASE_ERRORS, explain
from penstock.errors import JobError

ENCRYPTION_ASKED_FOR = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@pytest.fixture
def ways() -> list[str]:
    """How those came whom the server has answered."""
    return []


@pytest.fixture
async def port(tmp_path: Path, ways: list[str]) -> AsyncIterator[int]:
    """Of a server with a certificate for 127.0.0.1 that turns everybody away, and says how they came."""
    certificate = write_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, tmp_path / "key.pem")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = "in the clear"
        try:
            if await reader.readexactly(8) == ENCRYPTION_ASKED_FOR:
                writer.write(b"S")
                await writer.start_tls(context)
                await reader.readexactly(8)
                way = "encrypted"
            ways.append(way)
            refusal = f"SFATAL\0VFATAL\0C3D000\0Myou came {way}\0\0".encode()
            writer.write(b"E" + (len(refusal) + 4).to_bytes(4, "big") + refusal)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the certificate was not to their liking
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("host", "options", "told"),
    [
        ("127.0.0.1", "?sslmode=disable", "in the clear"),
        ("127.0.0.1", "?sslmode=require", "encrypted"),
        ("127.0.0.1", "?sslmode=verify-full&sslrootcert=certificate.pem", "encrypted"),
        ("127.0.0.1", "?ssl_ca=certificate.pem", "encrypted"),
        ("127.0.0.1", "?sslcert=certificate.pem&sslkey=key.pem", "encrypted"),
        ("127.0.0.1", "?sslmode=verify-full", "certificate verify failed"),
        ("127.0.0.1", "?sslmode=verify-full&sslrootcert=system", "certificate verify failed"),
        ("localhost", "?ssl_ca=certificate.pem", "certificate is not valid for 'localhost'"),
        ("localhost", "?ssl_ca=certificate.pem&ssl_check_hostname=false", "encrypted"),
        ("localhost", "?sslmode=verify-ca&sslrootcert=certificate.pem", "encrypted"),
    ],
)
async def test_encryption_is_as_the_url_says(port: int, tmp_path: Path, host: str, options: str, told: str) -> None:
    database = open_database(SecretStr(f"postgresql://u:s3cret@{host}:{port}/db{options}"), folder=str(tmp_path))
    with pytest.raises(DATABASE_ERRORS) as caught:
        async with database.reading():
            pass
    assert told in explain(caught.value)
    await database.aclose()


async def test_without_a_word_of_it_encryption_is_tried_first(port: int, ways: list[str]) -> None:
    database = open_database(SecretStr(f"postgresql://u:s3cret@127.0.0.1:{port}/db"))
    with pytest.raises(DATABASE_ERRORS):
        async with database.reading():
            pass
    assert ways[0] == "encrypted"
    await database.aclose()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("sslmode=perhaps", "sslmode=perhaps, which is none; use one of disable"),
        ("sslrootcert=nowhere.pem", "there is no file"),
        ("sslrootcert=notes.txt", "certificate files that the postgresql URL names cannot be used"),
        ("sslcert=notes.txt", "certificate files that the postgresql URL names cannot be used"),
    ],
)
def test_what_cannot_be_met_is_refused_before_anybody_is_called(tmp_path: Path, options: str, told: str) -> None:
    (tmp_path / "notes.txt").write_text("buy milk")
    with pytest.raises(JobError, match=told) as caught:
        open_database(SecretStr(f"postgresql://u:s3cret@127.0.0.1:1/db?{options}"), folder=str(tmp_path))
    assert "s3cret" not in str(caught.value)
