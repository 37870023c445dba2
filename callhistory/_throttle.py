"""Few at once: hundreds of clients that start together do not fall upon Webex together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AT_ONCE = 8
# A service that hangs must not keep those who wait from trying: after so long they go on.
_PATIENCE = 2.0  # seconds

_places = threading.BoundedSemaphore(_AT_ONCE)


@contextmanager
def few_at_once() -> Iterator[None]:
    """Let a request to the catalog or the device service wait for its turn, but not for long."""
    has_place = _places.acquire(timeout=_PATIENCE)
    try:
        yield
    finally:
        if has_place:
            _places.release()
