"""All that is used of aio-pika and of what comes with it: `penstock[rabbitmq]`. Importing this without it raises JobError.

aio-pika opens connections; what follows speaks to the layer below it, aiormq. There a message is what was sent: aio-pika's own
cannot be made of properties that a hostile sender made up, and that message would be handed out again and again.
"""

from __future__ import annotations

import logging

from penstock.errors import JobError

try:
    from aio_pika import connect
    from aio_pika.abc import AbstractConnection as Connection
    from aiormq.abc import AbstractChannel as Channel
    from aiormq.abc import ArgumentsType as Arguments
    from aiormq.abc import DeliveredMessage as Delivered
    from aiormq.exceptions import (
        AuthenticationError,
        ChannelAccessRefused,
        ChannelInvalidStateError,
        ChannelLockedResource,
        ChannelNotFoundEntity,
        ChannelPreconditionFailed,
        DeliveryError,
        IncompatibleProtocolError,
        InvalidFrameError,
        ProbableAuthenticationError,
        ProtocolSyntaxError,
        PublishError,
    )
    from pamqp.commands import Basic
except ImportError:
    raise JobError(
        "RabbitMQ is spoken to by aio-pika, which is not installed: pip install 'penstock[rabbitmq]', or go without a broker"
    ) from None

# They tell of every broken connection, and where nobody listens Python prints that. People are told by `trouble`.
for library in ("aio_pika", "aiormq"):
    logging.getLogger(library).addHandler(logging.NullHandler())

__all__ = [
    "Arguments",
    "AuthenticationError",
    "Basic",
    "Channel",
    "ChannelAccessRefused",
    "ChannelInvalidStateError",
    "ChannelLockedResource",
    "ChannelNotFoundEntity",
    "ChannelPreconditionFailed",
    "Connection",
    "Delivered",
    "DeliveryError",
    "IncompatibleProtocolError",
    "InvalidFrameError",
    "ProbableAuthenticationError",
    "ProtocolSyntaxError",
    "PublishError",
    "connect",
]
