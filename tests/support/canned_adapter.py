"""An adapter of requests that speaks no HTTP, and answers that nobody sent."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import requests
from requests.adapters import BaseAdapter


class CannedAdapter(BaseAdapter):
    """Returns or raises one outcome after the other. Whoever closes it makes a mistake."""

    def __init__(self, *outcomes: requests.Response | Exception) -> None:
        super().__init__()
        self.outcomes = list(outcomes)

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Return or raise the next outcome."""
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """Fail: the adapter is the caller's to close."""
        raise AssertionError("it is the caller's to close")


def canned(status: int, body: bytes = b"", **headers: str) -> requests.Response:
    """Return an answer; underscores in the names of headers are hyphens."""
    response = requests.Response()
    response.status_code = status
    response.raw = BytesIO(body)
    response.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
    return response


def session_with(adapter: BaseAdapter) -> requests.Session:
    """Return a caller's session that sends all that goes to https through an adapter."""
    session = requests.Session()
    session.mount("https://", adapter)
    return session
