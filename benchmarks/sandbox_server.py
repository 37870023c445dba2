"""The library's sandbox as the server: it writes each page when it is asked, as a Webex must."""

from __future__ import annotations

from typing import Any

from callhistory.sandbox import Sandbox

_BACKENDS = ("WEBEX_CALLING", "UCM_CALLING")
_clouds: dict[str, Sandbox] = {}


def users(sessions: int) -> dict[str, dict[str, str]]:
    """Start a sandbox for each calling backend; return the address and the token of its user."""
    for backend in _BACKENDS:
        _clouds[backend] = Sandbox(backend=backend, sessions=sessions, days=6).start()
    return {
        backend: {"u2c_url": cloud.u2c_url, "token": cloud.access_token}
        for backend, cloud in _clouds.items()
    }


ORDERS: dict[str, Any] = {"users": users}
