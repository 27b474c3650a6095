"""Whom the sender trusts, and how it proves who it is."""

from __future__ import annotations

import ssl
from pathlib import Path

from penstock.errors import JobError
from penstock.spec.models import Tls


def tls_context(tls: Tls, folder: str) -> ssl.SSLContext:
    """TLS 1.2 or later, server always verified: by `tls.ca` alone where the job file names one, else by the system's CAs.
    `folder`: where relative paths start. Raises JobError naming the file."""
    context = ssl.create_default_context(cafile=None) if tls.ca is None else _trusting(Path(folder, tls.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if tls.cert is not None:
        _present(context, Path(folder, tls.cert), Path(folder, tls.key) if tls.key is not None else None)
    elif tls.key is not None:
        raise JobError("target.tls.key: a key without its certificate; name that in target.tls.cert")
    return context


def _trusting(ca: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca))
    except ssl.SSLError:
        raise JobError(f"target.tls.ca: {ca} holds no certificate in PEM form") from None
    except OSError as error:
        raise JobError(f"target.tls.ca: cannot read {ca}: {error.strerror}") from None


def _present(context: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    try:
        # Without this OpenSSL asks for the passphrase on the terminal.
        context.load_cert_chain(cert, key, password=lambda: "")
    except ssl.SSLError as error:
        named = f"{cert}" if key is None else f"{cert} and {key}"
        if error.reason == "KEY_VALUES_MISMATCH":
            raise JobError(
                f"target.tls: the key in {key or cert} does not belong to the certificate in {cert}"
            ) from None
        raise JobError(f"target.tls: {named} hold no certificate with its key, unencrypted and in PEM form") from None
    except OSError as error:
        missing = cert if not cert.is_file() or key is None else key
        raise JobError(f"target.tls: cannot read {missing}: {error.strerror}") from None
