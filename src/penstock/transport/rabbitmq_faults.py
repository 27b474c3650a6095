"""What an error of RabbitMQ or of the way to it means, and its words for people."""

from __future__ import annotations

import os
import re
import ssl

from penstock.errors import BrokerUnreachable, JobError, PenstockError
from penstock.transport.address import Address
from penstock.transport.amqp import (
    AuthenticationError,
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelPreconditionFailed,
    DeliveryError,
    IncompatibleProtocolError,
    InvalidFrameError,
    ProbableAuthenticationError,
    ProtocolSyntaxError,
)

_RIGHTS = "rabbitmqctl set_permissions -p {vhost} {user} '^penstock\\.' '^(penstock\\.|amq\\.default$)' '^penstock\\.'"


def meaning(error: BaseException, address: Address, queue: str) -> PenstockError:
    """Of an error while a connection is opened and the queues are declared. queue: their name."""
    words = explain(error)
    rights = _RIGHTS.format(vhost=address.vhost, user=address.user)
    if isinstance(error, PenstockError):
        return error
    if isinstance(error, ProbableAuthenticationError | AuthenticationError):
        return JobError(
            f"the broker at {address} refuses the login of user {address.user!r} ({words}): check it in the URL"
        )
    if isinstance(error, InvalidFrameError) and "Connection.Close" in words:  # the server said why, and aiormq keeps it
        return JobError(
            f"the broker at {address} does not let user {address.user!r} into the virtual host {address.vhost!r}: it is not "
            f"there, or not open to that user, or full: rabbitmqctl add_vhost {address.vhost}; {rights}"
        )
    if isinstance(error, ChannelAccessRefused):
        return JobError(f"the broker at {address} refuses what penstock needs ({words}): {rights}")
    if isinstance(error, ChannelPreconditionFailed | ChannelLockedResource):
        return JobError(
            f"the broker at {address} has a queue {queue!r}, or {queue + '.dead'!r}, that is not as penstock declares it "
            f"({words}): rabbitmqctl delete_queue -p {address.vhost} NAME, and nothing is lost: the ledger knows all ranges"
        )
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return JobError(
            f"the broker at {address} has a certificate that is not trusted ({words}): name its CA, ?cafile=ca.pem"
        )
    if isinstance(error, ProtocolSyntaxError | IncompatibleProtocolError):
        return JobError(
            f"what answers at {address} does not speak AMQP 0-9-1 ({words}): check host and port of the broker's URL"
        )
    return unreachable(words, address)


def unreachable(words: str, address: Address) -> BrokerUnreachable:
    return BrokerUnreachable(
        f"the broker at {address} does not answer ({words}): ranges are found in the ledger meanwhile"
    )


def explain(error: BaseException) -> str:
    """In one line."""
    if isinstance(error, DeliveryError):
        return "it refuses it: the queue is full" if error.frame.name != "Basic.Return" else "there is no such queue"
    if isinstance(error, TimeoutError):
        return "nothing was heard in time"
    cause = error.__cause__
    if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError):
        error = cause
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno) if error.errno > 0 else str(error.strerror or error)
    text = " ".join(str(argument) for argument in error.args if argument is not None)
    return re.sub(r"\s+", " ", text)[:300] or type(error).__name__
