"""What runs while a sandbox does."""

from __future__ import annotations

import time
from socket import socket
from threading import Event

from callhistory.sandbox._faults.http_faults import Faults
from callhistory.sandbox._journal import Journal
from callhistory.sandbox._mercury.switchboard import Switchboard
from callhistory.sandbox._mercury.websocket_server import Mercury
from callhistory.sandbox._rest.app import create_app
from callhistory.sandbox._rest.front import Front
from callhistory.sandbox._rest.http_server import Server
from callhistory.sandbox._timer import Agenda
from callhistory.sandbox._world.organization import Organization

_PATIENCE = 1.8  # seconds that close() waits for all threads


class Site:
    """The servers of an organization, and their threads.

    Attributes:
        agenda: what is to be done later, while it runs.
    """

    def __init__(
        self,
        http: socket,
        websockets: socket,
        organization: Organization,
        journal: Journal,
        faults: Faults,
        switchboard: Switchboard,
    ) -> None:
        closing = Event()
        front = Front(create_app(organization), journal, faults, closing)
        self.agenda = Agenda(f"callhistory-sandbox-{organization.addresses.port}-agenda")
        self._server = Server(http, front, closing)
        self._mercury = Mercury(websockets, organization, switchboard, faults, self.agenda, closing)

    def start(self) -> None:
        """Begin to answer."""
        self.agenda.start()
        self._mercury.start()
        self._server.start()

    def close(self) -> None:
        """Stop answering, end every connection and join the threads, within two seconds."""
        deadline = time.monotonic() + _PATIENCE
        self.agenda.close()
        self._mercury.close(deadline)
        self._server.close(deadline)
        self.agenda.join(max(0.0, deadline - time.monotonic()))
