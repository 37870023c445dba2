"""The side of a program without any library for Webex: ``json.loads``, requests, websockets."""

from __future__ import annotations

import gc
import json
import tracemalloc
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from benchmarks.generated_sessions import Wire, page
from benchmarks.side import Arrivals, resident, timed

_session = requests.Session()


def values(path: str) -> list[Wire]:
    """Return the sessions of a page."""
    sessions: list[Wire] = json.loads(Path(path).read_bytes())["userSessions"]
    return sessions


def decode(path: str, repeat: int) -> float:
    """Return the seconds to parse a page."""
    body = Path(path).read_bytes()
    return timed(lambda: json.loads(body), repeat)


def kept(path: str) -> float:
    """Return the bytes that the dicts of a session keep, of those of a page."""
    body = Path(path).read_bytes()
    json.loads(page(10))
    gc.collect()
    tracemalloc.start()
    sessions = json.loads(body)["userSessions"]
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / len(sessions)


def fetched_values(u2c_url: str, token: str, limit: int) -> list[Wire]:
    """Return the sessions of a page that was fetched."""
    sessions: list[Wire] = _fetch(u2c_url, token, limit)["userSessions"]
    return sessions


def fetch(u2c_url: str, token: str, limit: int, repeat: int) -> float:
    """Return the seconds to fetch a page and parse it."""
    return timed(lambda: _fetch(u2c_url, token, limit), repeat)


def peak(u2c_url: str, token: str, limit: int) -> float:
    """Return the most bytes of Python's that a fetch takes at a time."""
    _fetch(u2c_url, token, 10)
    gc.collect()
    tracemalloc.start()
    assert len(_fetch(u2c_url, token, limit)["userSessions"]) == limit
    return float(tracemalloc.get_traced_memory()[1])


def resident_peak(u2c_url: str, token: str, limit: int) -> float:
    """Return by how many bytes a fetch raises the memory of the process at most."""
    _fetch(u2c_url, token, 10)
    before = resident("VmRSS")
    assert len(_fetch(u2c_url, token, limit)["userSessions"]) == limit
    return resident("VmHWM") - before


def _fetch(u2c_url: str, token: str, limit: int) -> Any:
    address = u2c_url.replace("/u2c/", "/janus/") + "/history/userSessions"
    since = (datetime.now(UTC) - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    params: dict[str, str | int] = {"from": since, "limit": limit}
    params |= {"includeNewSessionTypes": "true", "sort": "DESC", "includeSharedSessions": "true"}
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    response = _session.get(address, params=params, headers=headers, timeout=60)
    response.raise_for_status()
    return response.json()


class Loop:
    """The smallest program that hears events: it receives, parses and acknowledges."""

    def __init__(self) -> None:
        self._heard: list[Wire] = []

    def connect(self, u2c_url: str, token: str, count: int, *, keep: bool) -> None:
        """Open a websocket for so many events, and keep their sessions if that is wanted."""
        self._arrivals = Arrivals(count)
        self._keep = keep
        self._heard.clear()
        address = "ws" + u2c_url.removeprefix("http").replace("/u2c/api/v1", f"/{uuid.uuid4()}")
        self._websocket: ClientConnection = connect(address, max_size=None, proxy=None)
        self._websocket.send(
            json.dumps(
                {
                    "id": str(uuid.uuid4()),
                    "type": "authorization",
                    "data": {"token": f"Bearer {token}"},
                }
            )
        )
        self._next()

    def receive(self) -> tuple[float, float]:
        """Receive all events; return the seconds from first to last, and those of processors."""
        while True:
            (session,) = self._next()["data"]["userSessions"]["userSessions"]
            if self._keep:
                self._heard.append(session)
            if self._arrivals.note(session["sessionId"]):
                return self._arrivals.taken()

    def heard(self) -> list[Wire]:
        """Return the sessions that were kept."""
        return self._heard

    def disconnect(self) -> None:
        """Close the websocket."""
        self._websocket.close()

    def _next(self) -> Any:
        envelope = json.loads(self._websocket.recv())
        self._websocket.send(json.dumps({"messageId": envelope["id"], "type": "ack"}))
        return envelope


_loop = Loop()

ORDERS: dict[str, Any] = {
    "values": values,
    "decode": decode,
    "kept": kept,
    "fetched_values": fetched_values,
    "fetch": fetch,
    "peak": peak,
    "resident_peak": resident_peak,
    "connect": _loop.connect,
    "receive": _loop.receive,
    "heard": _loop.heard,
    "disconnect": _loop.disconnect,
}
