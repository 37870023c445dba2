"""TODO."""

from __future__ import annotations

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager

from callhistory import CallHistoryClient, TransportError, Webex
from callhistory._http import deadline as patience
from callhistory.sandbox import Sandbox
from tests.support.wire_server import CERTIFICATE, Connection, WireServer, answer

HISTORY = "/history/userSessions"
TRACKING_ID = re.compile(r"(callhistory_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([0-9]+)")
TOKEN = "sEcReT"


def body_without_end(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    connection.drip(b" " * 1000, 0.02)


def headers_without_end(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    connection.drip(b"x" * 1000, 0.02)


def status_line_without_end(connection: Connection) -> None:
    connection.drip(b"HTTP/1.1 200 " + b"x" * 1000, 0.02)


def chunks_without_end(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.drip(b"1\r\n \r\n" * 200, 0.02)


def chunk_size_without_end(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.drip(b"0" * 1000, 0.02)


DRIPPING = [
    (body_without_end, False),
    (headers_without_end, False),
    (status_line_without_end, False),
    (chunks_without_end, False),
    (chunk_size_without_end, False),
    (headers_without_end, True),
    (chunks_without_end, True),
]


def expect_an_end(behavior: Any, tls: bool) -> None:
    """Ask a server that drips, with a read timeout of 0.4 s."""
    session = requests.Session()
    session.verify = str(CERTIFICATE)
    with WireServer(behavior, tls=tls) as server:
        webex = Webex(
            access_token=TOKEN, u2c_url=server.url, timeout=(5, 0.4), max_retries=4, session=session
        )
        began = time.monotonic()
        with pytest.raises(TransportError, match="GET 127") as caught:
            CallHistoryClient(webex).get_call_history_data()
        took = time.monotonic() - began
        webex.close()

    case = behavior.__name__, tls
    assert isinstance(caught.value.__cause__, TimeoutError), case
    assert 1.4 < took < 6, (*case, "it takes 1.6 s, and has 20 s to say")
    assert len(server.requests) == 1, case


def test_dripping_answer_ends() -> None:
    """An answer that drips meets no read timeout, and ends after four of them, with no retry."""
    with ThreadPoolExecutor(len(DRIPPING)) as pool:
        for ended in [pool.submit(expect_an_end, *case) for case in DRIPPING]:
            ended.result()


def test_dripping_answer_ends_with_a_callers_adapter() -> None:
    """A body that drips ends also where the caller's own adapter reads it."""

    class Adapter(HTTPAdapter):
        pass

    session = requests.Session()
    session.mount("http://", Adapter())
    with WireServer(body_without_end) as server:
        webex = Webex(access_token=TOKEN, u2c_url=server.url, timeout=0.2, session=session)
        began = time.monotonic()
        with pytest.raises(TransportError):
            CallHistoryClient(webex).get_call_history_data()
        took = time.monotonic() - began
    session.close()

    assert took < 5
    assert len(server.requests) == 1


def test_slow_answer_is_waited_for(cloud: Sandbox) -> None:
    """An answer that comes within the read timeout is an answer."""
    cloud.fail_next("/catalog", delay=0.3)

    with cloud.webex(timeout=(5, 5), max_retries=0) as webex:
        assert CallHistoryClient(webex).get_call_history_data().ok


def test_kept_connection_has_its_whole_timeout_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow answer does not shorten the patience with the next one on the same connection."""
    timeouts = []

    class Noted(patience._Deadline):
        def __init__(self, file: socket.SocketIO, sock: socket.socket) -> None:
            timeouts.append(sock.gettimeout())
            super().__init__(file, sock)

    def behave(connection: Connection) -> None:
        for _ in range(2):
            connection.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n")
            connection.drip(b"{}", 0.1)
            if not connection.next_request():
                return

    monkeypatch.setattr(patience, "_Deadline", Noted)
    monkeypatch.setattr(patience, "READ_TIMEOUTS_AN_ANSWER", 1)
    with WireServer(behave) as server:
        client = CallHistoryClient(Webex(access_token=TOKEN, u2c_url=server.url, timeout=9))
        for _ in range(2):
            assert client.get_call_history_data().status_code == 404
        client.close()

    assert len(server.requests) == 1, "the connection was kept"
    assert timeouts == [9, 9]


def test_deadline_holds_between_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer whose time is up is not read any further."""
    monkeypatch.setattr(patience, "READ_TIMEOUTS_AN_ANSWER", 0)
    with WireServer(lambda connection: connection.send(answer())) as server:
        webex = Webex(access_token=TOKEN, u2c_url=server.url, max_retries=0)
        with pytest.raises(TransportError, match=r"timed out|took too long") as caught:
            CallHistoryClient(webex).get_call_history_data()

    assert isinstance(caught.value.__cause__, TimeoutError)


def test_socket_without_a_timeout_has_no_deadline() -> None:
    """Where no timeout is set, none is invented."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        file = patience._Deadline(ours.makefile("rb", buffering=0), ours)
        theirs.sendall(b"answer")
        assert file.readinto(bytearray(6)) == 6
        assert ours.gettimeout() is None
        file.close()


def test_interrupted_adapter_waits_for_no_answer() -> None:
    """An adapter that was interrupted ends an answer also if it begins after that."""
    adapter = patience.PatientAdapter()
    session = requests.Session()
    session.mount("http://", adapter)
    adapter.interrupt()

    with WireServer(Connection.hang) as server, pytest.raises(requests.ConnectionError):
        session.get(server.url, timeout=20)
    session.close()


def test_answer_through_a_proxy_has_a_deadline() -> None:
    """A proxy that drips is as little waited for as a server that does."""
    session = requests.Session()
    with WireServer(status_line_without_end) as proxy:
        session.proxies["https"] = f"http://127.0.0.1:{proxy.port}"
        webex = Webex(access_token=TOKEN, session=session, timeout=0.2, max_retries=0)
        began = time.monotonic()
        with pytest.raises(TransportError, match=r"GET u2c\.wbx2\.com: no answer"):
            CallHistoryClient(webex).get_call_history_data()
        webex.close()

    assert time.monotonic() - began < 5


def test_connection_within_another_is_ended_as_well() -> None:
    """TLS within TLS, as through a proxy that is reached over TLS, has no shutdown of a socket."""

    class Within:
        def __init__(self, sock: object) -> None:
            self.socket = sock

    one, other = socket.socketpair()
    with one, other:
        waiting = patience._Waiting()
        inner = Within(Within(one))
        waiting.add(inner)
        waiting.end()
        assert other.recv(1) == b""


def test_socks_proxy_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections through a SOCKS proxy are another library's own."""

    class Socks(PoolManager):
        def __init__(self, proxy: str, **_: Any) -> None:
            super().__init__()
            self.proxy_url = proxy

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", Socks)
    manager = patience.PatientAdapter().proxy_manager_for("socks5h://127.0.0.1:1080")

    assert manager.proxy_url == "socks5h://127.0.0.1:1080"
    assert manager.pool_classes_by_scheme == PoolManager().pool_classes_by_scheme
