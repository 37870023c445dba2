"""What every request passes before it reaches a service."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from threading import Event
from typing import TYPE_CHECKING

from requests.structures import CaseInsensitiveDict
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response

from callhistory.sandbox._faults.http_faults import Faults, break_off
from callhistory.sandbox._journal import Journal, RecordedRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Front:
    """Notes every request, and lets the scripted faults happen."""

    def __init__(
        self, app: WSGIApplication, journal: Journal, faults: Faults, closing: Event
    ) -> None:
        self._app = app
        self._journal = journal
        self._faults = faults
        self._closing = closing

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        request = Request(environ)
        try:
            body = request.get_data()
        except ClientDisconnected:
            raise ConnectionAbortedError from None  # in the middle of its body
        environ["wsgi.input"] = BytesIO(body)
        # Found before it is noted: who has seen the request in the journal may clear the faults.
        fault = self._faults.take(request.method, request.path)
        self._journal.add(
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
            raise ConnectionAbortedError  # the server takes it for a client that has gone
        if fault.lose:
            Response.from_app(self._app, environ).get_data()
        if fault.lose or fault.reset or fault.raw is not None:
            break_off(environ["werkzeug.socket"], fault.raw or b"", hard=fault.reset)
        answer = fault.answer()
        if answer is None:
            answer = Response.from_app(self._app, environ)
        elif "trackingid" in request.headers:
            answer.headers["trackingid"] = request.headers["trackingid"]
        return fault.spoil(answer, self._closing)(environ, start_response)
