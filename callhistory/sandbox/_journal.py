"""The requests that a sandbox has received."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Mapping
from threading import Condition
from typing import Any

import attrs

_KEPT = 10_000


@attrs.frozen(kw_only=True)
class RecordedRequest:
    """A request as it was received.

    Attributes:
        method: such as ``GET``.
        path: the path, unquoted, without the query.
        query_string: the query as it was sent, without the question mark.
        query: the parameters; of one that was repeated, the last value.
        headers: the headers, under any spelling of their names.
        body: the body's bytes.
        received_at: the ``time.monotonic()`` at which it was complete.
    """

    method: str
    path: str
    query_string: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    received_at: float = attrs.field(factory=time.monotonic, repr=False)

    @property
    def json(self) -> Any:
        """The body, read as JSON.

        Raises:
            ValueError: it is not JSON.
        """
        return json.loads(self.body)


class Journal:
    """Keeps the last 10,000 requests; any thread may call it."""

    def __init__(self) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=_KEPT)
        self._changed = Condition()

    def add(self, request: RecordedRequest) -> None:
        """Note a request."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

    def requests_to(
        self, path_fragment: str = "", method: str | None = None
    ) -> tuple[RecordedRequest, ...]:
        """Give the requests whose path contains a text, in the order of their arrival."""
        with self._changed:
            return tuple(
                request
                for request in self._requests
                if path_fragment in request.path and method in (None, request.method)
            )

    def wait_for(
        self, path_fragment: str, method: str | None, count: int, timeout: float
    ) -> tuple[RecordedRequest, ...]:
        """Wait until so many requests have arrived, and give them.

        Raises:
            TimeoutError: they have not within the timeout, in seconds.
        """

        def arrived() -> tuple[RecordedRequest, ...]:
            found = self.requests_to(path_fragment, method)
            return found if len(found) >= count else ()

        with self._changed:
            found = self._changed.wait_for(arrived, timeout)
        if not found:
            raise TimeoutError(f"fewer than {count} requests to {path_fragment!r} in {timeout} s")
        return found

    def clear(self) -> None:
        """Forget the requests so far."""
        with self._changed:
            self._requests.clear()
