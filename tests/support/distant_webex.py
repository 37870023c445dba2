"""A Webex at its real addresses, over TLS, that can be reached only through a proxy."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import socket
import ssl
import threading
from pathlib import Path
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.support.websocket_servers import pump
from tests.support.wire_samples import a_session
from tests.support.wire_server import Connection, WireServer, answer

# The certificate, signed by itself, of wbx2.com and its subdomains.
CERTIFICATE = Path(__file__).parent / "data" / "webex.pem"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_MERCURY = "mercury-a.wbx2.com"
_ANSWERS: dict[str, Any] = {
    "/u2c/api/v1/catalog": {
        "serviceLinks": {
            "janus": "https://janus-a.wbx2.com/janus/api/v1",
            "wdm": "https://wdm-a.wbx2.com/wdm/api/v1",
        }
    },
    "/wdm/api/v1/devices": {
        "url": "https://wdm-a.wbx2.com/wdm/api/v1/devices/1",
        "webSocketUrl": f"wss://{_MERCURY}/v1/1",
    },
    "/janus/api/v1/history/userSessions": {"userSessions": [a_session()]},
}
_SILENT = logging.Logger("tests.distant_webex")
_SILENT.disabled = True
_READINESS = {"id": "1", "data": {"eventType": "mercury.buffer_state"}}


class DistantWebex:
    """Answers the requests and the websocket of one client.

    Attributes:
        proxy: the address of the proxy to it.
        tunnels: the hosts that the proxy was asked to connect to.
        heard: the host and the authorization of each request and websocket.
    """

    def __init__(self) -> None:
        self.tunnels: list[str] = []
        self.heard: list[tuple[str, str]] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(CERTIFICATE)
        self._entrance = WireServer(self._connect)
        self._mercury = serve(
            self._listen, "127.0.0.1", 0, ssl=self._tls, close_timeout=1, logger=_SILENT
        )
        self._thread = threading.Thread(target=self._mercury.serve_forever, daemon=True)
        self.proxy = f"http://127.0.0.1:{self._entrance.port}"

    @property
    def seen_by_proxy(self) -> bytes:
        """All that the proxy itself was sent."""
        return b"".join(self._entrance.requests)

    def __enter__(self) -> Self:
        self._entrance.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._mercury.shutdown()
        self._thread.join(5)
        self._entrance.__exit__(*exc_info)

    def _connect(self, connection: Connection) -> None:
        host = connection.request.split(b" ")[1].decode().rpartition(":")[0]
        self.tunnels.append(host)
        connection.send(ESTABLISHED)
        sock = connection._sock
        if host == _MERCURY:
            with socket.create_connection(self._mercury.socket.getsockname(), 5) as there:
                back = threading.Thread(target=pump, args=(there, sock), daemon=True)
                back.start()
                pump(sock, there)
                back.join(10)
            return
        with contextlib.suppress(OSError), self._tls.wrap_socket(sock, server_side=True) as secured:
            while head := _read_head(secured):
                self._answer(host, head, secured)

    def _answer(self, host: str, head: str, sock: socket.socket) -> None:
        headers = dict(re.findall(r"(?m)^([\w-]+): (.*?)\r$", head))
        for _ in range(int(headers.get("Content-Length", "0"))):
            sock.recv(1)
        self.heard.append((host, headers["Authorization"]))
        path = head.split(" ")[1].partition("?")[0]
        said = json.dumps(_ANSWERS.get(path, {})).encode()
        sock.sendall(answer(said).replace(b"Connection: close\r\n", b""))

    def _listen(self, connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            first = json.loads(connection.recv())
            self.heard.append((_MERCURY, first["data"]["token"]))
            connection.send(json.dumps(_READINESS))
            for message in connection:
                frame = json.loads(message)
                if frame["type"] == "ping":
                    connection.send(json.dumps({"id": frame["id"], "type": "pong"}))


def _read_head(sock: socket.socket) -> str:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        if not byte:
            return ""
        head += byte
    return head.decode("latin-1")
