"""The HTTP server under a sandbox: silent, threaded, and gone when it is closed."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from callhistory.sandbox._world.addresses import HOST

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_POLL = 0.25  # seconds after which the accepting thread looks whether it is to end


def listen(port: int) -> socket.socket:
    """Open a loopback port; 0 takes a free one.

    Raises:
        OSError: the port cannot be had.
    """
    return socket.create_server((HOST, port), backlog=128)


class Server:
    """Answers at a loopback port, one thread a request."""

    def __init__(self, listening: socket.socket, app: WSGIApplication, closing: Event) -> None:
        self._closing = closing
        # Handed over as a descriptor: werkzeug ends the program if it cannot bind.
        with listening:
            self._http = _Threaded(HOST, 0, app, _Silent, fd=listening.fileno())
        self._http.closing = closing
        self._thread = Thread(target=self._serve, name=self._http.thread_name, daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self, deadline: float) -> None:
        """Stop answering and end every connection, until a ``time.monotonic()`` at the latest."""
        self._closing.set()
        # A connection wakes the accepting thread at once, which otherwise looks up now and then.
        with (
            contextlib.suppress(OSError),
            socket.create_connection((HOST, self._http.port), timeout=_POLL),
        ):
            self._thread.join()
        self._thread.join()
        self._http.end_requests(deadline)

    def _serve(self) -> None:
        with contextlib.suppress(_Closing):
            self._http.serve_forever(_POLL)


class _Closing(Exception):  # noqa: N818 - no error
    """The server is to end."""


class _Silent(WSGIRequestHandler):
    """Writes no log."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        pass


class _Threaded(ThreadedWSGIServer):
    """Knows the threads of its requests, to join them."""

    closing: Event

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.thread_name = f"callhistory-sandbox-{self.port}"
        # Touched by the accepting thread, and after its end by the one that closes.
        self._requests: list[tuple[Thread, socket.socket]] = []

    def service_actions(self) -> None:
        if self.closing.is_set():
            raise _Closing

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name=f"{self.thread_name}-request",
            daemon=True,
        )
        self._requests = [known for known in self._requests if known[0].is_alive()]
        thread.start()
        self._requests.append((thread, request))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that is gone: a fault may have ended it."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def end_requests(self, deadline: float) -> None:
        for _, connection in self._requests:
            with contextlib.suppress(OSError):  # it has ended already
                connection.shutdown(socket.SHUT_RDWR)
        for thread, _ in self._requests:
            thread.join(max(0.0, deadline - time.monotonic()))
