"""The HTTP server of a sandbox: it records requests and carries out scripted faults."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Iterable
from io import BytesIO
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from requests.structures import CaseInsensitiveDict
from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from callhistory.sandbox._faults.http_faults import Fault, break_off
from callhistory.sandbox._faults.script import Script
from callhistory.sandbox._recordings import RecordedRequest, Recordings
from callhistory.sandbox._world.addresses import HOST

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_POLL = 0.25  # seconds after which the accepting thread checks whether it is to end


class HttpServer(ThreadedWSGIServer):
    """Serves an application at a loopback port, with one thread for each request."""

    def __init__(self, listening: socket.socket, app: WSGIApplication, closing: Event) -> None:
        # Passed as a file descriptor: werkzeug exits the program if it cannot bind.
        with listening:
            super().__init__(HOST, 0, app, _SilentHandler, fd=listening.fileno())
        self._closing = closing
        self._name = f"callhistory-sandbox-{self.port}"
        self._accepting = Thread(target=self._serve, name=self._name, daemon=True)
        # Used by the accepting thread, and after its end by the one that closes the server.
        self._requests: list[tuple[Thread, socket.socket]] = []

    def start(self) -> None:
        """Start the accepting thread."""
        self._accepting.start()

    def close(self, deadline: float) -> None:
        """Stop, and end every connection by a ``time.monotonic()`` at the latest."""
        self._closing.set()
        # A new connection wakes the accepting thread, which otherwise checks only now and then.
        with (
            contextlib.suppress(OSError),
            socket.create_connection((HOST, self.port), timeout=_POLL),
        ):
            self._accepting.join()
        self._accepting.join()
        for _, connection in self._requests:
            with contextlib.suppress(OSError):  # it may have ended already
                connection.shutdown(socket.SHUT_RDWR)
        for thread, _ in self._requests:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _serve(self) -> None:
        with contextlib.suppress(_Closing):
            self.serve_forever(_POLL)

    def service_actions(self) -> None:
        """End the accepting thread when the server is to close."""
        if self._closing.is_set():
            raise _Closing

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a request in a thread that is joined in the end."""
        thread = Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name=f"{self._name}-request",
            daemon=True,
        )
        self._requests = [known for known in self._requests if known[0].is_alive()]
        thread.start()
        self._requests.append((thread, request))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print an error, unless a connection has ended: a fault may have ended it."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Closing(Exception):  # noqa: N818 - not an error
    """Ends the accepting thread."""


class _SilentHandler(WSGIRequestHandler):
    """Writes no log."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        pass


class FaultyApp:
    """An application whose requests are recorded, and fail as scripted."""

    def __init__(
        self, app: WSGIApplication, recordings: Recordings, faults: Script[Fault], closing: Event
    ) -> None:
        self._app = app
        self._recordings = recordings
        self._faults = faults
        self._closing = closing

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        request = Request(environ)
        try:
            body = request.get_data()
        except ClientDisconnected:
            raise ConnectionAbortedError from None
        environ["wsgi.input"] = BytesIO(body)
        # Taken before the request is recorded: a test that sees the request may clear the faults.
        fault = self._faults.take(lambda fault: fault.matches(request.method, request.path))
        self._recordings.add_request(
            RecordedRequest(
                method=request.method,
                path=request.path,
                query_string=request.query_string.decode("latin-1"),
                query={name: values[-1] for name, values in request.args.lists()},
                headers=CaseInsensitiveDict(request.headers.items()),
                body=body,
            )
        )
        if fault is None:
            return self._app(environ, start_response)
        if fault.pause(self._closing):
            raise ConnectionAbortedError  # the server then treats the client as gone
        if fault.lose:
            Response.from_app(self._app, environ).get_data()
        if fault.lose or fault.reset or fault.raw is not None:
            break_off(environ["werkzeug.socket"], fault.raw or b"", hard=fault.reset)
        reply = fault.reply()
        if reply is None:
            reply = Response.from_app(self._app, environ)
        elif "trackingid" in request.headers:
            reply.headers["trackingid"] = request.headers["trackingid"]
        return fault.spoil(reply, self._closing)(environ, start_response)
