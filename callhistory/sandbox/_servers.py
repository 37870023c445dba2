"""The servers of a running sandbox, and their threads."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from threading import Event

from callhistory.sandbox._faults.http_faults import Fault
from callhistory.sandbox._faults.script import Script
from callhistory.sandbox._mercury.switchboard import Switchboard
from callhistory.sandbox._mercury.websocket_server import WebsocketServer
from callhistory.sandbox._rest.app import create_app
from callhistory.sandbox._rest.http_server import FaultyApp, HttpServer
from callhistory.sandbox._timer import Timer
from callhistory.sandbox._world.addresses import HOST
from callhistory.sandbox._world.organization import Organization

_CLOSING = 1.8  # seconds that close() waits for all threads


def listen(*ports: int) -> list[socket.socket]:
    """Return a listening socket for each loopback port; 0 means any free port.

    Raises:
        OSError: a port is not available.
    """
    with ExitStack() as undo:
        sockets = [
            undo.enter_context(socket.create_server((HOST, port), backlog=128)) for port in ports
        ]
        undo.pop_all()
    return sockets


class Servers:
    """The HTTP server, the websocket server and the timer.

    Attributes:
        timer: runs actions later, until the servers are closed.
    """

    def __init__(
        self,
        http: socket.socket,
        websockets: socket.socket,
        organization: Organization,
        faults: Script[Fault],
        switchboard: Switchboard,
    ) -> None:
        closing = Event()
        app = FaultyApp(create_app(organization), switchboard.recordings, faults, closing)
        self.timer = Timer(f"callhistory-sandbox-{organization.addresses.port}-timer")
        self._http = HttpServer(http, app, closing)
        self._websockets = WebsocketServer(
            websockets, organization, switchboard, faults, self.timer, closing
        )

    def start(self) -> None:
        """Start to answer."""
        self.timer.start()
        self._websockets.start()
        self._http.start()

    def close(self) -> None:
        """Stop answering, end every connection and join the threads, within two seconds."""
        deadline = time.monotonic() + _CLOSING
        self.timer.close()
        self._websockets.close(deadline)
        self._http.close(deadline)
        self.timer.join(max(0.0, deadline - time.monotonic()))
