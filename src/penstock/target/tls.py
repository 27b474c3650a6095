"""Whom the sender trusts, and how it proves who it is."""

from __future__ import annotations

import ssl

from penstock.errors import JobError
from penstock.spec.models import Tls


def tls_context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or later (Python's default); the server is always verified: by `tls.ca` alone where the job file names one,
    else by the system's CAs. Raises JobError naming the file that cannot be used."""
    context = _trusting(tls.ca)
    context.set_alpn_protocols(["http/1.1"])
    if tls.cert is not None:
        _present(context, tls.cert, tls.key or tls.cert)
    return context


def _trusting(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise JobError(f"target.tls.ca: {ca} holds no certificate in PEM form") from None
    except OSError as error:
        raise JobError(f"target.tls.ca: cannot read {ca}: {error.strerror}") from None


def _present(context: ssl.SSLContext, cert: str, key: str) -> None:
    try:
        # Without a password OpenSSL asks for one on the terminal.
        context.load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise JobError(f"target.tls: the key in {key} does not belong to the certificate in {cert}") from None
        way_out = "both are needed in PEM form, the key unencrypted"
        raise JobError(f"target.tls: {cert} and {key} hold no certificate with its key; {way_out}") from None
    except OSError as error:
        raise JobError(f"target.tls: cannot read {cert} or {key}: {error.strerror}") from None
