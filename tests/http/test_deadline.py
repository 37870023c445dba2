"""Answers that drip: all reads of an answer together have a deadline, and close() ends them."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
import requests
from requests.adapters import HTTPAdapter

from callhistory import CallHistoryClient, TransportError, Webex
from callhistory._http.deadline import DeadlineAdapter, DeadlineFile, OpenSockets
from tests.support.limits import BRISK
from tests.support.wire_server import CERTIFICATE, Behavior, Connection, WireServer, answer

TOKEN = "sEcReT"
OK = b"HTTP/1.1 200 OK\r\n"


def dripping(beginning: bytes, drops: bytes) -> Behavior:
    """Return what sends the beginning of an answer, and then a byte every 20 ms."""

    def behave(connection: Connection) -> None:
        connection.send(beginning)
        connection.drip(drops, 0.02)

    return behave


BODY = dripping(OK + b"Content-Type: application/json\r\n\r\n", b" " * 1000)
HEADERS = dripping(OK + b"X-Slow: ", b"x" * 1000)
STATUS_LINE = dripping(b"", b"HTTP/1.1 200 " + b"x" * 1000)
CHUNKS = dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 200)
CHUNK_SIZE = dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 1000)
CASES = [
    ("body", BODY, False),
    ("headers", HEADERS, False),
    ("status line", STATUS_LINE, False),
    ("chunks", CHUNKS, False),
    ("chunk size", CHUNK_SIZE, False),
    ("headers over TLS", HEADERS, True),
    ("chunks over TLS", CHUNKS, True),
    ("body through a caller's adapter", BODY, False),
]


class CallersAdapter(HTTPAdapter):
    """An adapter that the library does not replace by its own."""


def expect_an_end(name: str, behavior: Behavior, tls: bool) -> None:
    """Ask a server that drips, with a read timeout of 0.4 s."""
    session = requests.Session()
    session.verify = str(CERTIFICATE)
    if "adapter" in name:
        session.mount("http://", CallersAdapter())
    with WireServer(behavior, tls=tls) as server:
        webex = Webex(access_token=TOKEN, u2c_url=server.url, timeout=(5, 0.4), session=session)
        began = time.monotonic()
        with webex, pytest.raises(TransportError, match="GET 127") as caught:
            CallHistoryClient(webex).get_call_history_data()
        took = time.monotonic() - began

    assert isinstance(caught.value.__cause__, TimeoutError), name
    assert 1.4 < took < 6, (name, "it takes 1.6 s, and the server 20 s")
    assert len(server.requests) == 1, name


def test_dripping_answer_ends() -> None:
    """An answer that drips ends after four read timeouts, whoever reads it, with no retry."""
    with ThreadPoolExecutor(len(CASES)) as pool:
        for ended in [pool.submit(expect_an_end, *case) for case in CASES]:
            ended.result()


def test_answer_through_a_proxy_has_a_deadline() -> None:
    """A proxy that drips is waited for no longer than a server that does."""
    session = requests.Session()
    with WireServer(STATUS_LINE) as proxy:
        session.proxies["https"] = f"http://127.0.0.1:{proxy.port}"
        began = time.monotonic()
        with (
            Webex(access_token=TOKEN, session=session, timeout=0.2, max_retries=0) as webex,
            pytest.raises(TransportError, match=r"GET u2c\.wbx2\.com: no answer"),
        ):
            CallHistoryClient(webex).get_call_history_data()

    assert time.monotonic() - began < 5


def test_kept_connection_has_its_whole_timeout_again() -> None:
    """A slow answer does not shorten the time for the next one on the same connection."""

    def behave(connection: Connection) -> None:
        for _ in range(2):
            connection.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n")
            connection.drip(b"{}", 0.6)
            if not connection.next_request():
                return

    # An answer takes 1.2 s of the 2 s that it may take: the 0.8 s that it leaves are too few.
    limits = attrs.evolve(BRISK, read_timeouts_per_response=1)
    with (
        WireServer(behave) as server,
        Webex(
            access_token=TOKEN, u2c_url=server.url, timeout=2, max_retries=0, _limits=limits
        ) as webex,
    ):
        client = CallHistoryClient(webex)
        for _ in range(2):
            assert client.get_call_history_data().status_code == 404
        client.close()

    assert len(server.requests) == 1, "the connection was kept"


def test_deadline_holds_between_reads() -> None:
    """An answer whose time is up is not read any further."""
    limits = attrs.evolve(BRISK, read_timeouts_per_response=0)
    with WireServer(lambda connection: connection.send(answer())) as server:
        webex = Webex(access_token=TOKEN, u2c_url=server.url, max_retries=0, _limits=limits)
        with pytest.raises(TransportError, match=r"timed out|took too long") as caught:
            CallHistoryClient(webex).get_call_history_data()

    assert isinstance(caught.value.__cause__, TimeoutError)


def test_socket_without_a_timeout_has_no_deadline() -> None:
    """Where no timeout is set, none is invented."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        file = DeadlineFile(ours.makefile("rb", buffering=0), ours, 0)
        theirs.sendall(b"answer")
        assert file.readinto(bytearray(6)) == 6
        assert ours.gettimeout() is None
        file.close()


# --- an early end ---


def test_interrupted_adapter_waits_for_no_answer() -> None:
    """An adapter that was interrupted also ends an answer that begins after that."""
    adapter = DeadlineAdapter()
    adapter.interrupt()

    with WireServer(Connection.hang) as server, requests.Session() as session:
        session.mount("http://", adapter)
        with pytest.raises(requests.ConnectionError):
            session.get(server.url, timeout=20)


def test_connection_within_another_is_ended_as_well() -> None:
    """TLS within TLS, as through a proxy that is reached over TLS, has no shutdown of a socket."""

    class Within:
        def __init__(self, sock: Any) -> None:
            self.socket = sock

    one, other = socket.socketpair()
    with one, other:
        sockets = OpenSockets()
        within = Within(Within(one))
        sockets.add(within)
        sockets.shut_down()
        assert other.recv(1) == b""
