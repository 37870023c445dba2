"""Mercury: the server of the websockets that live events come over."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable
from functools import partial
from threading import Event, Thread

from websockets.http11 import Request

from callhistory.sandbox._faults.http_faults import Faults
from callhistory.sandbox._mercury.channel import GOING_AWAY
from callhistory.sandbox._mercury.envelopes import event_of, write_envelope
from callhistory.sandbox._mercury.switchboard import Switchboard
from callhistory.sandbox._mercury.upgrades import Upgrades
from callhistory.sandbox._mercury.websocket import Ending, WebSocket
from callhistory.sandbox._recordings import Connection
from callhistory.sandbox._timer import Agenda
from callhistory.sandbox._world.changes import Change
from callhistory.sandbox._world.organization import Organization

_UPGRADE_TIMEOUT = 5.0  # seconds
_GOODBYE = 0.3  # seconds that clients have to answer the close frames when the server ends
_POLL = 0.25  # seconds after which the accepting thread looks whether it is to end


class Mercury:
    """Answers websockets at a loopback port, one thread a connection."""

    def __init__(
        self,
        listening: socket.socket,
        organization: Organization,
        switchboard: Switchboard,
        faults: Faults,
        agenda: Agenda,
        closing: Event,
    ) -> None:
        listening.settimeout(_POLL)
        self._listening = listening
        self._organization = organization
        self._switchboard = switchboard
        self._upgrades = Upgrades(organization, switchboard, faults, agenda, closing)
        self._agenda = agenda
        self._closing = closing
        self._name = f"callhistory-sandbox-{organization.addresses.port}"
        self._thread = Thread(target=self._accept, name=f"{self._name}-mercury", daemon=True)
        # Touched by the accepting thread, and after its end by the one that closes.
        self._connections: list[tuple[Thread, WebSocket]] = []

    def start(self) -> None:
        """Begin to answer."""
        self._unsubscribe = self._organization.changes.subscribe(self._deliver)
        self._thread.start()

    def close(self, deadline: float) -> None:
        """Stop answering and end every connection, until a ``time.monotonic()`` at the latest."""
        self._unsubscribe()
        self._closing.set()
        # A connection wakes the accepting thread at once, which otherwise looks up now and then.
        with contextlib.suppress(OSError):
            socket.create_connection(self._listening.getsockname(), timeout=_POLL).close()
        self._thread.join()
        self._listening.close()
        leaving = [
            thread
            for thread, websocket in self._connections
            if websocket.leave(GOING_AWAY.code, GOING_AWAY.reason)
        ]
        _join(leaving, min(deadline, time.monotonic() + _GOODBYE))
        for _, websocket in self._connections:
            websocket.hang_up()
        _join((thread for thread, _ in self._connections), deadline)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            except OSError:
                self._closing.wait(_POLL)  # no more files, perhaps: that may pass
                continue
            try:
                websocket = WebSocket(connection)
            except OSError:
                connection.close()  # whoever came is gone already
                continue
            thread = Thread(
                target=self._serve,
                args=(websocket,),
                name=f"{self._name}-connection",
                daemon=True,
            )
            self._connections = [known for known in self._connections if known[0].is_alive()]
            thread.start()
            self._connections.append((thread, websocket))

    def _serve(self, websocket: WebSocket) -> None:
        self._agenda.after(_UPGRADE_TIMEOUT, partial(_hurry, websocket))
        connection = channel = None
        events = websocket.events()
        try:
            request = next(events, None)
            if isinstance(request, Request):
                connection, channel = self._upgrades.answer(websocket, request)
                if channel is not None:
                    channel.converse(events)
                for _ in events:
                    pass  # it was refused, and the client is to hang up
        finally:
            websocket.release()
            if channel is not None:
                self._switchboard.remove(channel)
            if connection is not None:
                self._note_end(connection, websocket.ending)

    def _note_end(self, connection: Connection, ending: Ending) -> None:
        registered = (device.url for device in self._organization.devices.of())
        self._switchboard.unacknowledged.keep_only(registered)
        was_open = connection.is_open
        self._switchboard.log.note(
            connection,
            closed_at=time.monotonic(),
            close_code=ending.code if was_open else None,
            close_reason=ending.reason if was_open else None,
            closed_by="client" if ending.by_client else "sandbox",
        )

    def _deliver(self, change: Change) -> None:
        envelope = write_envelope(event_of(change), self._organization.clock())
        self._switchboard.deliver(envelope, change.user_id)


def _hurry(websocket: WebSocket) -> None:
    if not websocket.was_asked:
        websocket.hang_up()


def _join(threads: Iterable[Thread], deadline: float) -> None:
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
