"""RabbitMQ's management API, which every server of the tests has, given or started: 10,000 above the port of AMQP."""

from __future__ import annotations

import json
from base64 import b64encode
from http.client import HTTPConnection
from urllib.parse import quote, unquote, urlsplit


class Management:
    """url: amqp://user:password@host:port/, of a user who may do everything. Raises OSError if nothing answers."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.user = unquote(parts.username or "guest")
        self._host, self._port = str(parts.hostname), (parts.port or 5672) + 10_000
        login = f"{self.user}:{unquote(parts.password or 'guest')}"
        self._headers = {
            "Authorization": f"Basic {b64encode(login.encode()).decode()}",
            "Content-Type": "application/json",
        }

    def put(self, *path: str, **content: object) -> None:
        self._call("PUT", path, content)

    def delete(self, *path: str) -> None:
        self._call("DELETE", path, None)

    def let(self, user: str, vhost: str, *, configure: str = ".*", write: str = ".*", read: str = ".*") -> None:
        """Rights in a virtual host, each a regular expression of names."""
        self.put("permissions", vhost, user, configure=configure, write=write, read=read)

    def _call(self, method: str, path: tuple[str, ...], content: object) -> None:
        connection = HTTPConnection(self._host, self._port, timeout=30)
        try:
            whole = "/api/" + "/".join(quote(part, safe="") for part in path)
            connection.request(method, whole, json.dumps(content) if content is not None else None, self._headers)
            answer = connection.getresponse()
            said = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 300:
            raise OSError(f"{method} {whole}: {answer.status} {said}")
