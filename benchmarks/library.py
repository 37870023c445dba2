"""The side of the library.

:func:`read_page` is the one place here that calls what is not public.
"""

from __future__ import annotations

import gc
import logging
import statistics
import time
import tracemalloc
from pathlib import Path
from typing import Any

from benchmarks.generated_sessions import Wire, page
from benchmarks.side import Arrivals, resident, timed
from callhistory import CallHistoryClient, CallSessionEvent, UserSession, Webex, to_wire
from callhistory._records.page import read_page as page_of

_FIRST_CALLS = 100  # which only warm it up
logging.getLogger("callhistory").setLevel("ERROR")  # it tells of each unknown field once

RECENT = "callHistory:user_recent_sessions"


def read_page(body: bytes) -> tuple[UserSession, ...]:
    """Read the sessions of a page as a fetch does."""
    sessions = page_of(body).sessions
    assert sessions is not None
    return sessions


# --- a page ---


def values(path: str) -> list[Wire]:
    """Return the sessions of a page, written as JSON again."""
    return [to_wire(session) for session in read_page(Path(path).read_bytes())]


def decode(path: str, repeat: int) -> float:
    """Return the seconds to read a page."""
    body = Path(path).read_bytes()
    return timed(lambda: read_page(body), repeat)


def kept(path: str) -> float:
    """Return the bytes that a record keeps, of those of a page."""
    body = Path(path).read_bytes()
    read_page(page(10))  # what is made at first use is not a record's
    gc.collect()
    tracemalloc.start()
    sessions = read_page(body)
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / len(sessions)


# --- the whole call ---

_clients: dict[str, CallHistoryClient] = {}


def client_of(u2c_url: str, token: str) -> CallHistoryClient:
    """Return the client of a token; it is made once."""
    if token not in _clients:
        _clients[token] = CallHistoryClient(Webex(access_token=token, u2c_url=u2c_url), "critical")
    return _clients[token]


def fetched_values(u2c_url: str, token: str, limit: int) -> list[Wire]:
    """Return the sessions of a page that was fetched, written as JSON again."""
    return [to_wire(each) for each in client_of(u2c_url, token).get_call_history_data(limit=limit)]


def fetch(u2c_url: str, token: str, limit: int, repeat: int) -> float:
    """Return the seconds to fetch a page."""
    client = client_of(u2c_url, token)
    return timed(lambda: client.get_call_history_data(limit=limit).raise_for_status(), repeat)


def peak(u2c_url: str, token: str, limit: int) -> float:
    """Return the most bytes of Python's that a fetch takes at a time."""
    client = client_of(u2c_url, token)
    client.get_call_history_data(limit=10).raise_for_status()
    gc.collect()
    tracemalloc.start()
    history = client.get_call_history_data(limit=limit)
    assert len(history) == limit
    return float(tracemalloc.get_traced_memory()[1])


def resident_peak(u2c_url: str, token: str, limit: int) -> float:
    """Return by how many bytes a fetch raises the memory of the process at most."""
    client = client_of(u2c_url, token)
    client.get_call_history_data(limit=10).raise_for_status()
    before = resident("VmRSS")
    assert len(client.get_call_history_data(limit=limit)) == limit
    return resident("VmHWM") - before


# --- events ---


class Listening:
    """A client that listens, from :meth:`connect` to :meth:`disconnect`."""

    def __init__(self) -> None:
        self._arrivals = Arrivals(0)
        self._heard: list[UserSession] = []

    def connect(self, u2c_url: str, token: str, count: int, *, keep: bool) -> None:
        """Listen for so many events, and keep their sessions if that is wanted."""
        self._arrivals = Arrivals(count)
        self._heard.clear()
        self._client = CallHistoryClient(Webex(access_token=token, u2c_url=u2c_url), "critical")
        self._client.on(RECENT, self._hear_and_keep if keep else self._hear)
        self._client.listen()

    def receive(self) -> tuple[float, float]:
        """Return the seconds from the first event to the last, and those of processors."""
        return self._arrivals.taken()

    def heard(self) -> list[Wire]:
        """Return the sessions that were kept, written as JSON again."""
        return [to_wire(session) for session in self._heard]

    def disconnect(self) -> None:
        """Close the client."""
        self._client.close()

    def _hear(self, event: CallSessionEvent) -> None:
        self._arrivals.note(event.data.user_sessions.user_sessions[0].session_id)

    def _hear_and_keep(self, event: CallSessionEvent) -> None:
        self._heard += event.data.user_sessions.user_sessions
        self._hear(event)


_listening = Listening()


# --- latency ---


def latency(calls: int, rate: float) -> dict[str, float]:
    """Return percentiles of the milliseconds from ``place_call`` to a receiver.

    The sandbox and the client run in one process, over real sockets; the calls are placed at a
    steady rate, whether or not the earlier ones have arrived.
    """
    from callhistory.sandbox import Sandbox

    heard: dict[str, float] = {}
    arrivals = Arrivals(calls + _FIRST_CALLS)

    def hear(event: CallSessionEvent) -> None:
        session_id = event.data.user_sessions.user_sessions[0].session_id
        heard[session_id] = time.perf_counter()
        arrivals.note(session_id)

    placed: dict[str, float] = {}
    with Sandbox(sessions=0) as cloud, CallHistoryClient(cloud.webex(), "critical") as client:
        client.on(RECENT, hear)
        client.listen()
        began = time.perf_counter()
        for number in range(calls + _FIRST_CALLS):
            time.sleep(max(0.0, began + number / rate - time.perf_counter()))
            now = time.perf_counter()
            placed[cloud.place_call(name="Ada", disposition="MISSED").session_id] = now
        arrivals.taken()
    taken = [(heard[key] - at) * 1e3 for key, at in placed.items()]
    percentiles = statistics.quantiles(taken[_FIRST_CALLS:], n=100)
    return {"p50": percentiles[49], "p99": percentiles[98]}


ORDERS: dict[str, Any] = {
    "values": values,
    "decode": decode,
    "kept": kept,
    "fetched_values": fetched_values,
    "fetch": fetch,
    "peak": peak,
    "resident_peak": resident_peak,
    "connect": _listening.connect,
    "receive": _listening.receive,
    "heard": _listening.heard,
    "disconnect": _listening.disconnect,
    "latency": latency,
}
