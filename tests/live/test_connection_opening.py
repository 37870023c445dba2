"""Opening a websocket: where it goes, what answers, TLS, proxies, and how an attempt fails."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
import requests
from attrs import evolve

from callhistory import ListenError, TransportError, Webex
from callhistory._limits import USUAL, Limits
from callhistory._live.connection import WebSocket, with_query
from callhistory._live.reconnect import Ended
from tests.support.error_contents import shown_by
from tests.support.waiting import wait_until
from tests.support.websocket_servers import (
    SECRET,
    TIMEOUT,
    Proxy,
    Server,
    echo,
    how_opening_ends,
    opened,
    port_with_a_full_queue,
    reset_on_close,
    trusting,
    websocket_to,
)
from tests.support.wire_server import CERTIFICATE, Connection, WireServer, answer


def how_it_is_refused(said: Callable[[Connection], None] | bytes, limits: Limits = USUAL) -> Ended:
    """Return how an attempt ends with a server that behaves so, or that answers so."""

    def behavior(connection: Connection) -> None:
        if isinstance(said, bytes):
            connection.send(said)
        else:
            said(connection)

    with WireServer(behavior) as server:
        url = f"ws://127.0.0.1:{server.port}/{SECRET}"
        return how_opening_ends(websocket_to(url, limits=limits))


# --- opening ---


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("wss://mercury.wbx2.com/v1/apps/x", "wss://mercury.wbx2.com/v1/apps/x?"),
        ("wss://mercury.wbx2.com/x?a=b#fragment?", "wss://mercury.wbx2.com/x?a=b&"),
    ],
)
def test_parameters_of_the_upgrade(url: str, base: str) -> None:
    """They are the protocol's, after those that the address has, and no fragment is sent."""
    assert with_query(url, 1772355600.25) == (
        f"{base}outboundWireFormat=text&bufferStates=true&aliasHttpStatus=true"
        "&clientTimestamp=1772355600250&multipleConnections=true"
    )


def test_nothing_listens() -> None:
    """A refused connection is no answer from the host and port, with the cause chained."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    ended = how_opening_ends(websocket_to(f"ws://127.0.0.1:{port}/{SECRET}"))

    assert isinstance(ended.error, TransportError)
    assert ended.error.host == f"127.0.0.1:{port}"
    assert isinstance(ended.error.__cause__, ConnectionRefusedError)
    assert (ended.code, ended.status, ended.accepted_for) == (None, None, None)
    assert SECRET not in shown_by(ended.error)
    assert SECRET not in str(ended)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://127.0.0.1/",
        f"ws://{'a' * 70}.wbx2.com/",
        "ws://127.0.0.1:99999/",
        "ws://127.0.0.1:port/",
        "ws://[::1/",
    ],
)
def test_invalid_address(url: str) -> None:
    """An address that cannot be connected to ends the attempt like any other failure."""
    assert isinstance(how_opening_ends(websocket_to(url)).error, TransportError)


@pytest.mark.parametrize(
    "answered",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: d3Jvbmc=\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 401 no\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 401 no\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 " + b"a" * 100_000,
    ],
    ids=lambda answered: repr(answered[:60]),
)
def test_malformed_answer(answered: bytes) -> None:
    """Whatever answers the upgrade, the attempt ends with a TransportError."""
    ended = how_it_is_refused(answered)

    assert isinstance(ended.error, TransportError)
    assert SECRET not in shown_by(ended.error)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        *(
            (status, answer(status=f"{status} no"))
            for status in (200, 302, 401, 404, 429, 503, 599)
        ),
        (503, answer(b"<h1>no</h1>" * 1000, status="503 no")),
        (401, answer(b"no gzip", status="401 no", headers="Content-Encoding: gzip\r\n")),
        (401, b"HTTP/1.1 401 no\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        (401, b"HTTP/1.1 401 no\r\n\r\nuntil the end"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_refused_upgrade(status: int, said: bytes) -> None:
    """The status of the answer is returned, whatever its body is, and however it is delimited."""
    ended = how_it_is_refused(said)

    assert ended == Ended(status=status, reason=f"the upgrade was answered with {status}")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ("Retry-After: 7\r\n", 7.0),
        ("retry-after: 0\r\n", 0.0),
        ("Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n", 0.0),
        ("Retry-After: soon\r\n", None),
        ("Retry-After: 7\r\nRetry-After: 8\r\n", None),
        ("", None),
    ],
)
def test_retry_after(headers: str, seconds: float | None) -> None:
    """The seconds that the server asks to wait are returned; a malformed header counts as none."""
    ended = how_it_is_refused(answer(status="429 no", headers=headers))

    assert (ended.status, ended.retry_after) == (429, seconds)


def test_server_that_does_not_answer() -> None:
    """An upgrade that is not answered in time ends the attempt."""
    began = time.monotonic()
    limits = evolve(USUAL, open_timeout=0.2)
    ended = how_it_is_refused(lambda connection: connection.hang(), limits=limits)

    assert time.monotonic() - began >= 0.2
    assert isinstance(ended.error, TransportError)
    assert isinstance(ended.error.__cause__, TimeoutError)


@pytest.mark.parametrize("reset", [True, False])
def test_server_that_hangs_up(reset: bool) -> None:
    """A connection that is dropped in the middle of the upgrade ends the attempt."""

    def behavior(connection: Connection) -> None:
        if reset:
            reset_on_close(connection._sock)

    ended = how_it_is_refused(behavior)

    assert isinstance(ended.error, TransportError)
    assert isinstance(ended.error.__cause__, OSError)


def test_server_that_accepts_no_connection() -> None:
    """An attempt ends when the time for the connection is up, or that for all of it."""
    with port_with_a_full_queue() as port:
        for open_timeout, tcp_timeout in ((60.0, 0.2), (0.2, 60.0)):
            limits = evolve(USUAL, open_timeout=open_timeout)
            websocket = websocket_to(f"ws://127.0.0.1:{port}/", limits=limits)
            ended = how_opening_ends(websocket, tcp_timeout)
            assert isinstance(ended.error, TransportError)
            assert isinstance(ended.error.__cause__, TimeoutError)


# --- TLS ---


def settings_for(url: str, **webex: Any) -> tuple[str | None, Any]:
    """Return the proxy and the TLS settings that the listener opens a websocket with."""
    with Webex(access_token="a-token", **webex) as made:
        session = made._account.open_http_session()
        with contextlib.closing(session):
            return session.websocket_settings(url)


def expect_an_echo(websocket: WebSocket) -> None:
    websocket.send("hello")
    assert websocket.receive(TIMEOUT) == "hello"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_are_found_as_requests_finds_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle named by the environment vouches for the server, also a bundle of one."""
    monkeypatch.setenv(name, str(CERTIFICATE))
    with Server(echo, tls=True) as server:
        proxy, tls = settings_for(server.url)
        assert proxy is None
        with opened(server.url, tls=tls) as websocket:
            expect_an_echo(websocket)


@pytest.mark.parametrize("verify", [str(CERTIFICATE), False])
def test_certificates_of_the_callers_session(verify: bool | str) -> None:
    """A session with a bundle of its own, or that verifies nothing, counts for websockets, too."""
    with requests.Session() as session, Server(echo, tls=True) as server:
        session.verify = verify
        with opened(server.url, *settings_for(server.url, session=session)) as websocket:
            expect_an_echo(websocket)


@pytest.mark.parametrize("through_a_proxy", [False, True])
def test_certificate_that_nobody_vouches_for(through_a_proxy: bool) -> None:
    """Nothing is sent to a server whose certificate is unknown, or is that of another host."""
    with Server(echo, tls=True) as server, Proxy() as proxy:
        websocket = WebSocket(server.url, *settings_for(server.url))
        if through_a_proxy:
            url = f"wss://mercury.example.com:{server.port}/?{SECRET}"
            websocket = websocket_to(url, proxy.url)
        ended = how_opening_ends(websocket)

        assert server.connections == []
    assert isinstance(ended.error, TransportError)
    assert "CERTIFICATE_VERIFY_FAILED" in str(ended.error)
    assert SECRET not in shown_by(ended.error)


@pytest.mark.parametrize("tls", [True, False])
def test_server_without_tls_or_with_it(tls: bool) -> None:
    """TLS to a server without it, and the other way round, ends the attempt."""
    limits = evolve(USUAL, open_timeout=2.0)
    with Server(echo, tls=not tls) as server:
        url = f"{'wss' if tls else 'ws'}://127.0.0.1:{server.port}/"
        ended = how_opening_ends(websocket_to(url, limits=limits))

    assert isinstance(ended.error, TransportError)


# --- proxies ---


@pytest.mark.parametrize(
    ("variables", "url", "expected"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "wss://mercury.wbx2.com/x", "http://p:1"),
        ({"https_proxy": "http://p:1"}, "wss://mercury.wbx2.com:444/x", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "wss://mercury.wbx2.com/x", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "wss://mercury.wbx2.com/x", None),
        ({"HTTPS_PROXY": "http://p:1"}, "wss://127.0.0.1:8080/x", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "wbx2.com"}, "wss://a.wbx2.com/x", None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "a.com"}, "wss://a.wbx2.com/x", "http://p:1"),
    ],
)
def test_proxies_are_found_as_requests_finds_them(
    variables: dict[str, str], url: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment names them; those for https are for wss, and this machine needs none."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert settings_for(url)[0] == expected


def test_proxy_of_the_callers_session() -> None:
    """A proxy of the user's session is used for websockets, too."""
    with requests.Session() as session:
        session.proxies = {"https": "http://p:1"}

        assert settings_for("wss://mercury.wbx2.com/x", session=session)[0] == "http://p:1"


@pytest.mark.parametrize("tls", [True, False], ids=["wss", "ws"])
def test_through_a_proxy(tls: bool) -> None:
    """Frames of all sizes pass through a tunnel that the proxy is asked to make, both ways."""
    messages = ["hello", "é" * 70_000, "", "x" * 300_000, "end"]
    with Server(echo, tls=tls) as server, Proxy() as proxy:
        url = f"{'wss' if tls else 'ws'}://localhost:{server.port}/{SECRET}"
        with opened(url, proxy.url) as websocket:
            for message in messages:
                websocket.send(message)
            assert [websocket.receive(TIMEOUT) for _ in messages] == messages

        (request,) = proxy.requests
        assert request.startswith(f"CONNECT localhost:{server.port} HTTP/1.1\r\n".encode())
        assert SECRET.encode() not in request


def test_proxy_with_a_password() -> None:
    """User and password go to the proxy, decoded, and nowhere else; it needs no scheme."""
    with Server(echo) as server, Proxy() as proxy:
        address = proxy.url.replace("http://", "user:p%40ss@")
        with opened(server.url, address) as websocket:
            expect_an_echo(websocket)
        expected = base64.b64encode(b"user:p@ss")
        assert b"Proxy-Authorization: Basic " + expected in proxy.requests[0]
        seen = server.connections[0].request
        assert seen is not None
        assert "Proxy-Authorization" not in seen.headers


@pytest.mark.parametrize(
    "said",
    [
        answer(status="407 Proxy Authentication Required"),
        answer(status="302 Found", headers="Location: http://127.0.0.1/\r\n"),
        b"",
        b"nonsense\r\n\r\n",
    ],
    ids=["407", "302", "nothing", "nonsense"],
)
def test_proxy_that_refuses(said: bytes) -> None:
    """What the proxy answers for itself is no answer of Webex's: its 407 is no refused token."""
    with Server(echo) as server, Proxy(said) as proxy:
        address = proxy.url.replace("://", f"://user:{SECRET}@")
        ended = how_opening_ends(websocket_to(server.url, address))

        assert server.connections == []
    assert isinstance(ended.error, TransportError)
    assert ended.status is None
    assert SECRET not in shown_by(ended.error)


def test_proxy_that_does_not_answer() -> None:
    """A proxy has as long to make the tunnel as a server has to accept the connection."""
    with WireServer(lambda connection: connection.hang()) as silent:
        websocket = websocket_to("ws://mercury.example.com/", f"http://127.0.0.1:{silent.port}")
        ended = how_opening_ends(websocket, tcp_timeout=0.2)

    assert isinstance(ended.error, TransportError)
    assert isinstance(ended.error.__cause__, TimeoutError)


@pytest.mark.parametrize("address", ["gopher://127.0.0.1:1", "http://", "http://127.0.0.1:1/path"])
@pytest.mark.parametrize("user", ["", f"user:{SECRET}@"])
def test_invalid_proxy(address: str, user: str) -> None:
    """An invalid proxy ends the attempt like any other failure, and its password is not shown."""
    proxy = address.replace("://", f"://{user}")
    ended = how_opening_ends(websocket_to("ws://127.0.0.1:1/", proxy))

    assert isinstance(ended.error, TransportError)
    assert SECRET not in shown_by(ended.error)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_through_a_proxy_that_is_reached_over_tls(version: ssl.TLSVersion) -> None:
    """TLS within TLS: frames of all sizes pass, both ways, and none waits for the next."""
    messages = ["hello", "é" * 70_000, "", "x" * 300_000, "end"]
    tls = trusting()
    tls.minimum_version = tls.maximum_version = version
    with Server(echo, tls=True) as server, Proxy(tls=True) as proxy:
        with opened(server.url, proxy.url, tls) as websocket:
            for message in messages:
                websocket.send(message)
                assert websocket.receive(TIMEOUT) == message
            for message in messages:
                websocket.send(message)
            assert [websocket.receive(TIMEOUT) for _ in messages] == messages
        assert wait_until(lambda: server.connections[0].close_code == 1000)

        (request,) = proxy.requests
        assert request.startswith(b"CONNECT 127.0.0.1:")


def test_proxy_over_tls_whose_certificate_nobody_vouches_for() -> None:
    """Nothing is asked of a proxy whose certificate is unknown."""
    with Server(echo, tls=True) as server, Proxy(tls=True) as proxy:
        ended = how_opening_ends(WebSocket(server.url, proxy.url, ssl.create_default_context()))

        assert proxy.requests == []
    assert isinstance(ended.error, TransportError)
    assert "CERTIFICATE_VERIFY_FAILED" in str(ended.error)


@pytest.mark.skipif(find_spec("python_socks") is not None, reason="python-socks is installed")
def test_socks_proxy_without_its_package() -> None:
    """Without the package that SOCKS needs, the error names it, and nothing is tried."""
    ended = how_opening_ends(websocket_to("ws://127.0.0.1:1/", "socks5h://127.0.0.1:1"))

    assert isinstance(ended.error, ListenError)
    assert "python-socks" in ended.error.reason
