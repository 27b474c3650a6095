"""The API of the benchmarks: an nginx that answers `201 {"code":0,"id":1}` at once, or after a while.

Not the bundled API: that one looks into each order and keeps it, 66,000 a second with a whole core, and speaks no TLS.
nginx discards the body and gives penstock's bare sender 94,000 with half a core. Whoever keeps it busy is named below the table.
"""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.certificate import write_certificate
from benchmarks.missing import Missing

_ECHO_MODULE = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
_PACKAGES = "nginx libnginx-mod-http-echo"
_SECONDS_TO_START = 10.0
_CONFIGURATION = """\
load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile 4096;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  client_body_buffer_size 64k;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  tcp_nodelay on;
  default_type application/json;
  ssl_certificate certificate.pem;
  ssl_certificate_key key.pem;
  server {{
    listen 127.0.0.1:{plain} backlog=1024;
    listen 127.0.0.1:{tls} ssl backlog=1024;
    location = /counters {{ stub_status; }}
    location ~ ^/0ms/ {{ return 201 '{answer}'; }}
{delayed}
  }}
}}
"""
# The body is waited for: else an answer could leave before its request has come.
_DELAYED = """\
    location ~ ^/{delay}ms/ {{ echo_read_request_body; echo_status 201; echo_sleep {seconds}; echo -n '{answer}'; }}
"""
_ANSWER = '{"code":0,"id":1}'
_DELAYS = (5, 20)


class Nginx:
    """process: its first, whose only child does the work."""

    def __init__(self, *, process: int, plain: int, tls: int, certificate: Path) -> None:
        self.process = process
        self.certificate = certificate
        self._plain, self._tls = plain, tls
        self._own_requests = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=_SECONDS_TO_START)

    def url(self, delay: int, *, tls: bool = False) -> str:
        """delay: milliseconds, one of 0, 5, 20."""
        start = f"https://127.0.0.1:{self._tls}" if tls else f"http://127.0.0.1:{self._plain}"
        return f"{start}/{delay}ms/orders"

    def posts(self) -> int:
        """Requests so far, those of this method left out."""
        self._own_requests += 1
        self._connection.request("GET", "/counters")
        text = self._connection.getresponse().read().decode()
        counters = re.search(r"\n (\d+) (\d+) (\d+) \n", text)
        if counters is None:
            raise RuntimeError(f"nginx tells no counters but {text!r}")
        return int(counters[3]) - self._own_requests

    def close(self) -> None:
        self._connection.close()


@contextmanager
def running_nginx(folder: Path) -> Iterator[Nginx]:
    """Raises Missing where nginx or its echo module is not installed."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None or not _ECHO_MODULE.exists():
        raise Missing(f"nginx and its echo module must be installed: sudo apt-get install {_PACKAGES}")
    plain, tls = _free_ports(2)
    certificate = write_certificate(folder)
    delayed = "".join(_DELAYED.format(delay=delay, seconds=delay / 1000, answer=_ANSWER) for delay in _DELAYS)
    (folder / "nginx.conf").write_text(
        _CONFIGURATION.format(module=_ECHO_MODULE, plain=plain, tls=tls, answer=_ANSWER, delayed=delayed.rstrip())
    )
    log = folder / "nginx.log"
    with (
        log.open("wb") as said,
        subprocess.Popen(
            [nginx, "-p", str(folder), "-c", "nginx.conf"], stdout=said, stderr=said, start_new_session=True
        ) as process,
    ):
        try:
            _wait_for(plain, process, log)
            with closing(Nginx(process=process.pid, plain=plain, tls=tls, certificate=certificate)) as api:
                yield api
        finally:
            process.terminate()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Missing(f"nginx does not start: {log.read_text().strip()}") from None
            time.sleep(0.02)
        else:
            return
