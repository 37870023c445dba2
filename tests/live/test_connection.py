"""The shell over a websocket: real servers, servers that misbehave, proxies, and how it ends."""

from __future__ import annotations

import base64
import contextlib
import gc
import hashlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.frames import Close
from websockets.sync.client import ClientConnection
from websockets.sync.server import ServerConnection, serve

from callhistory import ListenError, TransportError, Webex
from callhistory._http.response import no_answer
from callhistory._http.retry import LARGEST_ANSWER
from callhistory._live import connection as websocket
from callhistory._live.connection import ConnectionEnded, WebSocket, with_query
from callhistory._live.reconnect import Ended
from tests.support.error_contents import shown_by
from tests.support.waiting import wait_until
from tests.support.wire_server import CERTIFICATE, Connection, WireServer, answer

SECRET = "se-cret"
TIMEOUT = 10.0
# How long close() may take, and what another thread was in the middle of.
PROMPTLY = 2.5

Handler = Callable[[ServerConnection], None]

_QUIET = logging.Logger("tests.websocket")
_QUIET.disabled = True


class Server:
    """A websocket server, and what it saw."""

    def __init__(self, handler: Handler, *, tls: bool = False, **settings: Any) -> None:
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
        self.closing = threading.Event()
        self.connections: list[ServerConnection] = []
        self._handler = handler
        self._scheme = "wss" if tls else "ws"
        self._server = serve(
            self._handle,
            "127.0.0.1",
            0,
            ssl=context,
            logger=_QUIET,
            max_size=None,
            close_timeout=1,
            **settings,
        )
        self.port: int = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/socket?secret={SECRET}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join(5)

    def _handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        with contextlib.suppress(ConnectionClosed):
            self._handler(connection)


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


def sending(*messages: str | bytes) -> Handler:
    """Send messages, then read until the client is gone."""

    def handler(connection: ServerConnection) -> None:
        for message in messages:
            connection.send(message)
        for _ in connection:
            pass

    return handler


def closing(code: int, reason: str = "") -> Handler:
    return lambda connection: connection.close(code, reason)


def raw(data: bytes) -> Handler:
    """Send bytes that the library would not, and read until the client is gone."""

    def handler(connection: ServerConnection) -> None:
        connection.socket.sendall(data)
        for _ in connection:
            pass

    return handler


class Proxy:
    """A proxy that knows CONNECT: every host is on this machine.

    Args:
        said: what to answer instead of making a tunnel.
    """

    def __init__(self, said: bytes | None = None) -> None:
        self._wire = WireServer(self._serve)
        self._said = said
        self.url = f"http://127.0.0.1:{self._wire.port}"

    @property
    def requests(self) -> list[bytes]:
        return self._wire.requests

    def __enter__(self) -> Self:
        self._wire.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._wire.__exit__(*exc_info)

    def _serve(self, connection: Connection) -> None:
        if self._said is not None:
            connection.send(self._said)
            return
        port = int(connection.request.split(b" ")[1].rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as there:
            connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            here = connection._sock
            back = threading.Thread(target=pump, args=(there, here), daemon=True)
            back.start()
            pump(here, there)
            back.join(10)


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        source.settimeout(20)
        while data := source.recv(65536):
            sink.sendall(data)
    for sock in (source, sink):
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


@contextlib.contextmanager
def opened(
    url: str, proxy: str | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[WebSocket]:
    websocket = WebSocket(url, proxy, tls)
    try:
        websocket.open(TIMEOUT, TIMEOUT)
        yield websocket
    finally:
        websocket.close()


def how_opening_ends(
    url: str,
    proxy: str | None = None,
    tls: ssl.SSLContext | None = None,
    *,
    timeout: float = TIMEOUT,
    tcp_timeout: float = TIMEOUT,
) -> Ended:
    with pytest.raises(ConnectionEnded) as raised:
        WebSocket(url, proxy, tls).open(timeout, tcp_timeout)
    gc.collect()  # a socket that was left open is told now
    return raised.value.ended


def how_it_ends(websocket: WebSocket) -> Ended:
    try:
        while True:
            websocket.receive(TIMEOUT)
    except ConnectionEnded as error:
        return error.ended


class Background:
    """A call in a thread of its own, and how it ended."""

    def __init__(self, call: Callable[..., Any], *args: Any) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self._call = call
        self._args = args
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._call(*self._args)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def ends_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def ended(self) -> Ended:
        assert isinstance(self.error, ConnectionEnded), self.error
        return self.error.ended


def seconds_of(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


# --- opening ---


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("wss://mercury.wbx2.com/v1/apps/x", "wss://mercury.wbx2.com/v1/apps/x?"),
        ("wss://mercury.wbx2.com/v1/apps/x?a=b", "wss://mercury.wbx2.com/v1/apps/x?a=b&"),
        ("wss://mercury.wbx2.com/x#fragment", "wss://mercury.wbx2.com/x?"),
        ("wss://mercury.wbx2.com/x?a=b#fragment?", "wss://mercury.wbx2.com/x?a=b&"),
        ("ws://127.0.0.1:8080", "ws://127.0.0.1:8080?"),
    ],
)
def test_the_parameters_of_the_upgrade(url: str, base: str) -> None:
    """They are the protocol's, after those that the address has, and no fragment is sent."""
    assert with_query(url, 1772355600.25) == (
        f"{base}outboundWireFormat=text&bufferStates=true&aliasHttpStatus=true"
        "&clientTimestamp=1772355600250&multipleConnections=true"
    )


def test_the_parameters_tell_the_time() -> None:
    """The client's timestamp is the time of now, in milliseconds."""
    before = int(time.time() * 1000)

    (stamp,) = parse_qs(urlsplit(with_query("wss://mercury.wbx2.com")).query)["clientTimestamp"]

    assert before <= int(stamp) <= int(time.time() * 1000)


def test_the_upgrade() -> None:
    """The request has the address's path and parameters, offers compression, and no token."""
    with Server(echo) as server, opened(with_query(server.url)) as websocket:
        websocket.send("hello")
        assert websocket.receive(TIMEOUT) == "hello"
        request = server.connections[0].request

    assert request is not None
    path, _, query = request.path.partition("?")
    assert path == "/socket"
    assert query.startswith(f"secret={SECRET}&outboundWireFormat=text&bufferStates=true")
    assert "permessage-deflate" in request.headers["Sec-WebSocket-Extensions"]
    assert "Authorization" not in request.headers
    assert "Cookie" not in request.headers


def test_nothing_listens() -> None:
    """A refused connection is no answer from the host and port, with the cause chained."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    ended = how_opening_ends(f"ws://127.0.0.1:{port}/{SECRET}")

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
        "mercury.wbx2.com",
        "http://127.0.0.1/",
        "ws://",
        "ws://a..b/",
        f"ws://{'a' * 70}.wbx2.com/",
        "ws://127.0.0.1:99999/",
        "ws://127.0.0.1:port/",
        "ws://[::1/",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    """An address that cannot be connected to ends the attempt like any other failure."""
    assert isinstance(how_opening_ends(url).error, TransportError)


@pytest.mark.parametrize(
    "answered",
    [
        b"",
        b"\r\n",
        b"\x00\xff\x80",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2",
        b"HTTP/1.1 nonsense\r\n\r\n",
        b"HTTP/1.1 101\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: d3Jvbmc=\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 401 no\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 401 no\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 401 no\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 401 no\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 " + b"a" * 100_000,
        b"HTTP/2 200\r\n\r\n",
    ],
    ids=lambda answered: repr(answered[:60]),
)
def test_an_answer_that_is_none(answered: bytes) -> None:
    """Whatever answers the upgrade, the attempt ends, and nothing but that comes out of it."""
    with WireServer(lambda connection: connection.send(answered)) as server:
        ended = how_opening_ends(f"ws://127.0.0.1:{server.port}/{SECRET}", timeout=5)

    assert isinstance(ended.error, TransportError)
    assert SECRET not in shown_by(ended.error)


BODIES = {
    "json": ("", b"{}"),
    "empty": ("", b""),
    "page": ("Content-Type: text/html\r\n", b"<h1>no</h1>" * 1000),
    "gzip": ("Content-Encoding: gzip\r\n", b"no gzip"),
}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, "json") for status in (200, 400, 401, 403, 404, 429, 500, 503, 599)),
        *((status, kind) for status in (200, 401, 503) for kind in ("empty", "page", "gzip")),
    ],
)
def test_an_upgrade_that_is_refused(status: int, kind: str) -> None:
    """The status of the answer is told, whatever its body is."""
    headers, body = BODIES[kind]
    said = answer(body, status=f"{status} no", headers=headers)
    with WireServer(lambda connection: connection.send(said)) as server:
        ended = how_opening_ends(f"ws://127.0.0.1:{server.port}/")

    assert ended == Ended(status=status, reason=f"the upgrade was answered with {status}")


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 401 no\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 401 no\r\n\r\nuntil the end",
    ],
    ids=["chunked", "to the end"],
)
def test_a_refusal_of_another_length(said: bytes) -> None:
    """The status is told also where the body's length is not."""
    with WireServer(lambda connection: connection.send(said)) as server:
        assert how_opening_ends(f"ws://127.0.0.1:{server.port}/").status == 401


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ("Retry-After: 7\r\n", 7.0),
        ("retry-after: 0\r\n", 0.0),
        ("Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n", 0.0),
        ("Retry-After: soon\r\n", None),
        ("Retry-After: -1\r\n", None),
        ("Retry-After: nan\r\n", None),
        ("Retry-After: 7\r\nRetry-After: 8\r\n", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(status: int, headers: str, seconds: float | None) -> None:
    """How long the server asks to wait is told; what is malformed counts as nothing."""
    said = answer(status=f"{status} no", headers=headers)
    with WireServer(lambda connection: connection.send(said)) as server:
        ended = how_opening_ends(f"ws://127.0.0.1:{server.port}/")

    assert (ended.status, ended.retry_after) == (status, seconds)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """A redirect of the upgrade is an answer with its status, and its target sees nobody."""
    with Server(echo) as target:
        headers = f"Location: {target.url}\r\n"
        said = answer(status=f"{status} elsewhere", headers=headers)
        with WireServer(lambda connection: connection.send(said)) as server:
            ended = how_opening_ends(f"ws://127.0.0.1:{server.port}/")
            assert len(server.requests) == 1

        assert ended.status == status
        assert target.connections == []


def test_a_server_that_says_nothing() -> None:
    """An upgrade that is not answered in time ends the attempt."""
    with WireServer(lambda connection: connection.hang()) as server:
        began = time.monotonic()
        ended = how_opening_ends(f"ws://127.0.0.1:{server.port}/", timeout=0.2)

        assert 0.2 <= time.monotonic() - began < 5
    assert isinstance(ended.error, TransportError)
    assert isinstance(ended.error.__cause__, TimeoutError)


@pytest.mark.parametrize(
    ("reset", "name"), [(True, "ConnectionResetError"), (False, "ConnectionError")]
)
def test_a_server_that_hangs_up(reset: bool, name: str) -> None:
    """A connection that is dropped in the middle of the upgrade ends the attempt."""

    def behavior(connection: Connection) -> None:
        if reset:
            reset_on_close(connection._sock)

    with WireServer(behavior) as server:
        ended = how_opening_ends(f"ws://127.0.0.1:{server.port}/")

    assert isinstance(ended.error, TransportError)
    assert isinstance(ended.error.__cause__, OSError)


def reset_on_close(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


# --- TLS ---


def settings_for(url: str, **webex: Any) -> tuple[str | None, ssl.SSLContext | None]:
    """Give what the listener opens a websocket with."""
    with Webex(access_token="a-token", **webex) as made:
        transport = made.open_transport(threading.Event())
        try:
            return transport.websocket_settings(url)
        finally:
            transport.close()


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_are_found_as_requests_finds_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle named by the environment vouches for the server, also a bundle of one."""
    monkeypatch.setenv(name, str(CERTIFICATE))
    with Server(echo, tls=True) as server:
        proxy, tls = settings_for(server.url)
        assert proxy is None
        with opened(server.url, proxy, tls) as websocket:
            websocket.send("hello")
            assert websocket.receive(TIMEOUT) == "hello"


@pytest.mark.parametrize("verify", [str(CERTIFICATE), False])
def test_certificates_of_a_session_of_the_users(verify: bool | str) -> None:
    """A session with a bundle of its own, or that verifies nothing, counts for websockets, too."""
    with requests.Session() as session, Server(echo, tls=True) as server:
        session.verify = verify
        with opened(server.url, *settings_for(server.url, session=session)) as websocket:
            websocket.send("hello")
            assert websocket.receive(TIMEOUT) == "hello"


def test_a_certificate_that_nobody_vouches_for() -> None:
    """Nothing is sent to a server whose certificate is not trusted."""
    with Server(echo, tls=True) as server:
        ended = how_opening_ends(server.url, *settings_for(server.url))

        assert server.connections == []
    assert isinstance(ended.error, TransportError)
    assert "CERTIFICATE_VERIFY_FAILED" in str(ended.error)
    assert SECRET not in shown_by(ended.error)


def test_a_certificate_for_another_host() -> None:
    """A trusted certificate for another name is not trusted, also behind a proxy."""
    with Server(echo, tls=True) as server, Proxy() as proxy:
        url = f"wss://mercury.example.com:{server.port}/"
        ended = how_opening_ends(url, proxy.url, trusting())

        assert server.connections == []
    assert isinstance(ended.error, TransportError)
    assert "CERTIFICATE_VERIFY_FAILED" in str(ended.error)


@pytest.mark.parametrize("tls", [True, False])
def test_a_server_of_the_other_kind(tls: bool) -> None:
    """TLS to a server without it, and the other way round, ends the attempt."""
    with Server(echo, tls=not tls) as server:
        url = f"{'wss' if tls else 'ws'}://127.0.0.1:{server.port}/"
        ended = how_opening_ends(url, None, trusting() if tls else None, timeout=5)

    assert isinstance(ended.error, TransportError)


def test_nothing_is_read_before_the_upgrade_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that reads begins after the request went out: else OpenSSL may lose it."""
    order: list[str] = []
    reading = threading.Event()
    read, send = ClientConnection.recv_events, ClientConnection.send_data

    def recv_events(self: ClientConnection) -> None:
        order.append("read")
        reading.set()
        read(self)

    def send_data(self: ClientConnection) -> None:
        if not order:
            reading.wait(0.2)  # time enough for a thread that does not wait for us
        send(self)
        order.append("sent")

    monkeypatch.setattr(ClientConnection, "recv_events", recv_events)
    monkeypatch.setattr(ClientConnection, "send_data", send_data)
    with Server(echo, tls=True) as server, opened(server.url, None, trusting()) as opened_one:
        opened_one.send("hello")
        assert opened_one.receive(TIMEOUT) == "hello"

    assert order[:2] == ["sent", "read"]


# --- proxies ---


@pytest.mark.parametrize(
    ("variables", "url", "expected"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "wss://mercury.wbx2.com/x", "http://p:1"),
        ({"https_proxy": "http://p:1"}, "wss://mercury.wbx2.com:444/x", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "wss://mercury.wbx2.com/x", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "wss://mercury.wbx2.com/x", None),
        ({"HTTPS_PROXY": "http://p:1"}, "wss://127.0.0.1:8080/x", None),
        ({"HTTPS_PROXY": "http://p:1"}, "wss://localhost/x", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "wbx2.com"}, "wss://a.wbx2.com/x", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "wss://a.wbx2.com/x", None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "a.com"}, "wss://a.wbx2.com/x", "http://p:1"),
        ({}, "wss://mercury.wbx2.com/x", None),
    ],
)
def test_proxies_are_found_as_requests_finds_them(
    variables: dict[str, str], url: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment names them; those for https are for wss, and this machine needs none."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert settings_for(url)[0] == expected


def test_a_proxy_of_a_session_of_the_users() -> None:
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
        with opened(url, proxy.url, trusting() if tls else None) as websocket:
            for message in messages:
                websocket.send(message)
            assert [websocket.receive(TIMEOUT) for _ in messages] == messages

        (request,) = proxy.requests
        assert request.startswith(f"CONNECT localhost:{server.port} HTTP/1.1\r\n".encode())
        assert SECRET.encode() not in request


def test_a_proxy_without_a_scheme() -> None:
    """A proxy may be named by its host and port alone, as requests has it."""
    with Server(echo) as server, Proxy() as proxy:
        with opened(server.url, proxy.url.removeprefix("http://")) as websocket:
            websocket.send("hello")
            assert websocket.receive(TIMEOUT) == "hello"
        assert len(proxy.requests) == 1


def test_a_proxy_that_wants_a_password() -> None:
    """User and password of the proxy's address go to the proxy, decoded, and nowhere else."""
    with Server(echo) as server, Proxy() as proxy:
        address = proxy.url.replace("://", "://user:p%40ss@")
        with opened(server.url, address) as websocket:
            websocket.send("hello")
            websocket.receive(TIMEOUT)
        expected = base64.b64encode(b"user:p@ss")
        assert b"Proxy-Authorization: Basic " + expected in proxy.requests[0]
        seen = server.connections[0].request
        assert seen is not None
        assert "Proxy-Authorization" not in seen.headers


@pytest.mark.parametrize(
    "said",
    [
        answer(status="407 Proxy Authentication Required"),
        answer(status="502 Bad Gateway"),
        answer(status="302 Found", headers="Location: http://127.0.0.1/\r\n"),
        b"",
        b"nonsense\r\n\r\n",
        b"\xff\x00",
    ],
    ids=["407", "502", "302", "nothing", "nonsense", "bytes"],
)
def test_a_proxy_that_refuses(said: bytes) -> None:
    """What the proxy answers for itself is no answer of Webex's: its 407 is no refused token."""
    with Server(echo) as server, Proxy(said) as proxy:
        address = proxy.url.replace("://", f"://user:{SECRET}@")
        ended = how_opening_ends(server.url, address)

        assert server.connections == []
    assert isinstance(ended.error, TransportError)
    assert ended.status is None
    assert SECRET not in shown_by(ended.error)


def test_a_proxy_that_says_nothing() -> None:
    """A proxy has as long to make the tunnel as a server has to take the connection."""
    with WireServer(lambda connection: connection.hang()) as silent:
        began = time.monotonic()
        ended = how_opening_ends(
            "ws://mercury.example.com/", f"http://127.0.0.1:{silent.port}", tcp_timeout=0.3
        )

        assert time.monotonic() - began < 5
    assert isinstance(ended.error, TransportError)


@pytest.mark.parametrize("address", ["gopher://127.0.0.1:1", "http://", "http://127.0.0.1:1/path"])
def test_a_proxy_that_is_none(address: str) -> None:
    """An address of no proxy ends the attempt like any other failure, and shows no password."""
    secretive = address.replace("://", f"://user:{SECRET}@")
    for proxy in (address, secretive):
        ended = how_opening_ends("ws://127.0.0.1:1/", proxy)

        assert isinstance(ended.error, TransportError)
        assert SECRET not in shown_by(ended.error)


@pytest.mark.parametrize("address", ["https://127.0.0.1:1", "HTTPS://user:se-cret@p.example.com"])
def test_a_proxy_that_is_reached_over_tls(address: str) -> None:
    """It is refused in words, for good: live events would come late through it, or never."""
    ended = how_opening_ends("wss://127.0.0.1:1/", address, trusting())

    assert isinstance(ended.error, ListenError)
    assert "https://" in ended.error.reason
    assert SECRET not in shown_by(ended.error)


def test_a_proxy_of_the_socks_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that SOCKS needs, it is said which one that is, and nothing is tried."""

    def missing(*_args: Any, **_kwargs: Any) -> None:
        raise ImportError

    monkeypatch.setattr("websockets.sync.client.connect_socks_proxy", missing)

    ended = how_opening_ends("ws://127.0.0.1:1/", "socks5h://127.0.0.1:1")

    assert isinstance(ended.error, ListenError)
    assert "python-socks" in ended.error.reason


# --- frames ---


def test_the_largest_frame_is_that_of_the_protocol() -> None:
    """Frames of up to 64 MiB are taken."""
    assert LARGEST_ANSWER == 64 * 1024**2


def test_large_frames_are_taken() -> None:
    """A frame that is larger than the library's own limit comes through, compressed and not."""
    large = "x" * (3 * 1024**2)
    for compression in ("deflate", None):
        with (
            Server(sending(large, "after"), compression=compression) as server,
            opened(server.url) as opened_one,
        ):
            assert opened_one.receive(TIMEOUT) == large
            assert opened_one.receive(TIMEOUT) == "after"


@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize("size", [1000, 1001, 1_000_000])
def test_frames_beyond_the_limit(
    size: int, compression: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame that is too large, counted after decompression, ends the connection with 1009."""
    monkeypatch.setattr(websocket, "LARGEST_ANSWER", 1000)
    codes: list[int | None] = []

    def handler(connection: ServerConnection) -> None:
        connection.send("x" * size)
        try:
            connection.recv(TIMEOUT)
        except ConnectionClosed as closed:
            codes.append(None if closed.rcvd is None else closed.rcvd.code)

    with Server(handler, compression=compression) as server, opened(server.url) as opened_one:
        if size <= 1000:
            assert opened_one.receive(TIMEOUT) == "x" * size
            opened_one.close()
            assert wait_until(lambda: codes == [1000])
        else:
            assert how_it_ends(opened_one).code is None
            assert wait_until(lambda: codes == [1009])


FRAMES: list[tuple[bytes, str | bytes]] = [
    (b"\x81\x05hello", "hello"),
    (b"\x81\x00", ""),
    (b"\x81\x02\xc3\xa9", "é"),
    (b"\x82\x05hello", b"hello"),
    (b"\x82\x00", b""),
    (b"\x81\x02\xff\xfe", b"\xff\xfe"),
    (b"\x81\x03\xed\xa0\x80", b"\xed\xa0\x80"),
    (b"\x01\x02he\x80\x03llo", "hello"),
    (b"\x01\x01\xc3\x80\x01\xa9", "é"),
    (b"\x02\x02he\x80\x03llo", b"hello"),
    (b"\x01\x01\xc3\x80\x01x", b"\xc3x"),
    (b"\x01\x02he\x89\x00\x80\x03llo", "hello"),
    (b"\x89\x04ping\x81\x05hello", "hello"),
    (b"\x8a\x00\x81\x05hello", "hello"),
]


@pytest.mark.parametrize(("data", "expected"), FRAMES, ids=[repr(data) for data, _ in FRAMES])
def test_frames_of_every_kind(data: bytes, expected: str | bytes) -> None:
    """Text comes as text; binary, and text that is no UTF-8, as bytes; the connection stays."""
    with (
        Server(raw(data + b"\x81\x05after"), compression=None) as server,
        opened(server.url) as opened_one,
    ):
        assert opened_one.receive(TIMEOUT) == expected
        assert opened_one.receive(TIMEOUT) == "after"


def test_many_frames_of_both_kinds_at_once() -> None:
    """Frames that came together keep their order and their kinds."""
    data = b"".join(frame for frame, _ in FRAMES) * 20
    expected = [message for _, message in FRAMES] * 20
    with Server(raw(data), compression=None) as server, opened(server.url) as opened_one:
        assert [opened_one.receive(TIMEOUT) for _ in expected] == expected


def test_a_timeout_within_a_message() -> None:
    """A message whose end is late is given whole, and is of its own kind, when it is there."""
    go_on = threading.Event()

    def handler(connection: ServerConnection) -> None:
        connection.socket.sendall(b"\x01\x02he")
        go_on.wait(TIMEOUT)
        connection.socket.sendall(b"\x80\x03llo\x82\x01b")
        connection.recv(TIMEOUT)

    with Server(handler, compression=None) as server, opened(server.url) as opened_one:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                opened_one.receive(0.02)
        go_on.set()
        assert opened_one.receive(TIMEOUT) == "hello"
        assert opened_one.receive(TIMEOUT) == b"b"


@pytest.mark.parametrize("timeout", [0.05, 0.0, -1.0])
def test_silence(timeout: float) -> None:
    """When no frame comes in time that is told, and the connection stays."""
    with Server(echo) as server, opened(server.url) as opened_one:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                opened_one.receive(timeout)

        opened_one.send("hello")
        assert opened_one.receive(TIMEOUT) == "hello"


def test_pings_of_the_websocket_are_answered() -> None:
    """The server's own pings get their pongs although nobody reads."""
    answered: list[bool] = []

    def handler(connection: ServerConnection) -> None:
        answered.append(connection.ping().wait(TIMEOUT))

    with Server(handler) as server, opened(server.url):
        assert wait_until(lambda: answered == [True])


def test_several_threads_send() -> None:
    """Frames that several threads send at once arrive whole."""
    got: list[str | bytes] = []

    def handler(connection: ServerConnection) -> None:
        got.extend(connection)

    with Server(handler) as server, opened(server.url) as opened_one:
        texts = [str(number) * 5000 for number in range(8)]
        calls = [Background(opened_one.send, text) for text in texts]
        assert all(call.ends_within(10) for call in calls)
        assert wait_until(lambda: len(got) == 8)
        assert sorted(map(str, got)) == sorted(texts)


# --- how it ends ---


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        *((code, "") for code in (1000, 1001, 1011, 1012, 1013, 4000, 4401, 4404)),
        (1003, "no"),
        (1007, "no"),
        (1008, "authentication"),
        (1009, "too big"),
        (1010, "no"),
        (3000, "é"),
        (4400, "x " * 61),
        (4999, "odd"),
    ],
)
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_close_codes(code: int, reason: str, tls: bool) -> None:
    """The server's code and reason are told; a reason that it left out has words of our own."""
    with (
        Server(closing(code, reason), tls=tls) as server,
        opened(server.url, None, trusting() if tls else None) as opened_one,
    ):
        ended = how_it_ends(opened_one)

    words = reason.strip() or f"Webex closed the connection with {code}"
    assert ended == Ended(code=code, reason=words)


def test_reason_that_echoes_a_secret_does_not_show_it() -> None:
    """A server that says back what it was sent has its words cut out of the reason."""
    with (
        Server(closing(4403, f"no: {'sEcReT' * 5} of ada@example.com")) as server,
        opened(server.url, None) as opened_one,
    ):
        assert how_it_ends(opened_one) == Ended(code=4403, reason="no: … of …")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x88\x00", 1005),
        (b"\x88\x02\x03\xe7", None),  # 999
        (b"\x88\x02\x03\xec", None),  # 1004
        (b"\x88\x02\x03\xed", None),  # 1005
        (b"\x88\x02\x03\xee", None),  # 1006
        (b"\x88\x02\x07\xd0", None),  # 2000
        (b"\x88\x02\x13\x88", None),  # 5000
        (b"\x88\x01\x00", None),
        (b"\x88\x04\x11\x30\xff\xfe", None),  # 4400, a reason that is no UTF-8
        (b"\x83\x00", None),
        (b"\xf1\x00", None),
        (b"\x80\x00", None),
        (b"\x81\x85abcdhello", None),
    ],
    ids=lambda value: repr(value),
)
def test_ends_that_are_malformed(data: bytes, code: int | None) -> None:
    """A close frame or a frame that breaks the protocol ends the connection as if it was lost."""
    with Server(raw(data), compression=None) as server, opened(server.url) as opened_one:
        ended = how_it_ends(opened_one)

    assert ended.code == code
    assert ended.reason


def test_frames_before_the_end_are_given_first() -> None:
    """What came before the close frame is read before its code is told."""

    def handler(connection: ServerConnection) -> None:
        for number in range(10):
            connection.send(str(number))
        connection.close(4401, "expired")

    with Server(handler) as server, opened(server.url) as opened_one:
        assert wait_until(lambda: opened_one._open_connection().close_code == 4401)
        assert [opened_one.receive(TIMEOUT) for _ in range(10)] == [str(n) for n in range(10)]
        assert how_it_ends(opened_one) == Ended(code=4401, reason="expired")


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_a_lost_connection(reset: bool, tls: bool) -> None:
    """A connection that is dropped without a close frame has no code."""

    def handler(connection: ServerConnection) -> None:
        if reset:
            reset_on_close(connection.socket)
        socket.socket.shutdown(connection.socket, socket.SHUT_RDWR)

    with (
        Server(handler, tls=tls) as server,
        opened(server.url, None, trusting() if tls else None) as opened_one,
    ):
        assert how_it_ends(opened_one) == Ended(reason="the connection was lost")


def test_too_many_fragments() -> None:
    """A message of endlessly many fragments ends the connection."""
    data = b"\x01\x00" + b"\x00\x00" * 10_000
    with Server(raw(data), compression=None) as server, opened(server.url) as opened_one:
        assert how_it_ends(opened_one).code is None


@pytest.mark.parametrize("code", [1001, 4401])
def test_sending_on_a_connection_that_has_ended(code: int) -> None:
    """A send after the server's close does nothing: a receive tells how it ended."""
    with Server(closing(code, "bye")) as server, opened(server.url) as opened_one:
        assert wait_until(lambda: opened_one._open_connection().close_code == code)
        for _ in range(2):
            opened_one.send("hello")
            assert how_it_ends(opened_one) == Ended(code=code, reason="bye")


def test_a_connection_that_was_never_opened() -> None:
    """It sends nothing, receives nothing, and can be closed."""
    unopened = WebSocket("ws://127.0.0.1:1/", None, None)

    unopened.send("hello")
    with pytest.raises(ConnectionEnded):
        unopened.receive(0)
    unopened.abort()
    unopened.close()


# --- close(), from another thread ---


def test_close_says_goodbye() -> None:
    """The server sees a close with 1000, and close() does not wait for more than its answer."""
    codes: list[int] = []

    def handler(connection: ServerConnection) -> None:
        try:
            connection.recv()
        except ConnectionClosed as closed:
            codes.append(closed.rcvd.code if closed.rcvd else 0)

    with Server(handler) as server, opened(server.url) as opened_one:
        assert seconds_of(opened_one.close) < 1
        assert seconds_of(opened_one.close) < 1
        assert wait_until(lambda: codes == [1000])
        for _ in range(2):
            assert how_it_ends(opened_one).code in (None, 1000)
            opened_one.send("hello")


def test_a_closed_one_is_not_opened() -> None:
    """After close(), open() ends at once, and nothing is sent."""
    with Server(echo) as server:
        closed = WebSocket(server.url, None, None)
        closed.close()

        with pytest.raises(ConnectionEnded):
            closed.open(TIMEOUT, TIMEOUT)
        gc.collect()

        assert server.connections == []


@pytest.mark.parametrize("end", [WebSocket.close, WebSocket.abort], ids=["close", "abort"])
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_close_while_another_thread_receives(end: Callable[[WebSocket], None], tls: bool) -> None:
    """The one that waits for a frame is told promptly that the connection ended."""
    with (
        Server(echo, tls=tls) as server,
        opened(server.url, None, trusting() if tls else None) as opened_one,
    ):
        waiting = Background(opened_one.receive, 60.0)
        # It waits when the library says so: there is nothing else to see it by.
        connection = opened_one._open_connection()
        assert wait_until(lambda: connection.recv_messages.get_in_progress)

        assert seconds_of(lambda: end(opened_one)) < PROMPTLY
        assert waiting.ends_within(1)
        assert waiting.ended().code in (None, 1000)


def handshake(request: bytes) -> bytes:
    """Accept an upgrade, for a server that will not speak the protocol after that."""
    (key,) = (
        line.split(b":")[1].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    )
    accept = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n"
    )


def accept_and_hang(connection: Connection) -> None:
    connection.send(handshake(connection.request))
    connection.hang()


@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_close_with_a_server_that_hangs(tls: bool) -> None:
    """A server that answers no close keeps nobody waiting, neither close() nor a reader."""
    with WireServer(accept_and_hang, tls=tls) as server:
        url = f"{'wss' if tls else 'ws'}://127.0.0.1:{server.port}/"
        with opened(url, None, trusting() if tls else None) as opened_one:
            waiting = Background(opened_one.receive, 60.0)

            assert seconds_of(opened_one.close) < PROMPTLY
            assert waiting.ends_within(1)
            waiting.ended()


def block(opened_one: WebSocket, size: int) -> Background:
    """Send until the other side's buffers are full, and one send is stuck."""
    sent = 0

    def send() -> None:
        nonlocal sent
        while not opened_one._opening._ended:  # type: ignore[union-attr]
            opened_one.send("x" * size)
            sent += 1

    def is_stuck() -> bool:
        before = sent
        return not stuck.ends_within(0.3) and before == sent

    stuck = Background(send)
    assert wait_until(is_stuck)
    return stuck


@pytest.mark.parametrize(
    ("tls", "end", "size"),
    [
        pytest.param(False, WebSocket.close, 10_000, id="ws-close-small"),
        pytest.param(False, WebSocket.abort, 5_000_000, id="ws-abort-large"),
        pytest.param(True, WebSocket.close, 5_000_000, id="wss-close-large"),
        pytest.param(True, WebSocket.abort, 10_000, id="wss-abort-small"),
    ],
)
def test_close_while_a_send_is_stuck(
    tls: bool, end: Callable[[WebSocket], None], size: int
) -> None:
    """With a server that reads no more, close() ends promptly, and so does the send."""
    with WireServer(accept_and_hang, tls=tls) as server:
        url = f"{'wss' if tls else 'ws'}://127.0.0.1:{server.port}/"
        with opened(url, None, trusting() if tls else None) as opened_one:
            stuck = block(opened_one, size)

            assert seconds_of(lambda: end(opened_one)) < PROMPTLY
            assert stuck.ends_within(1)
            assert stuck.error is None


@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_a_send_that_nobody_takes(tls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A send to a server that reads no more ends by itself, and the connection with it."""
    monkeypatch.setattr(websocket, "_SEND_TIMEOUT", 0.7)
    with WireServer(accept_and_hang, tls=tls) as server:
        url = f"{'wss' if tls else 'ws'}://127.0.0.1:{server.port}/"
        with opened(url, None, trusting() if tls else None) as opened_one:
            stuck = block(opened_one, 10_000)

            assert stuck.ends_within(5)
            assert stuck.error is None
            assert how_it_ends(opened_one).code is None


@contextlib.contextmanager
def silent_listener() -> Iterator[tuple[int, list[socket.socket]]]:
    """Take connections, and neither read nor write."""
    taken: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                taken.append(listening.accept()[0])

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1], taken
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)
        for sock in taken:
            sock.close()


@pytest.mark.parametrize("end", [WebSocket.close, WebSocket.abort], ids=["close", "abort"])
@pytest.mark.parametrize("tls", [False, True], ids=["upgrade", "TLS handshake"])
def test_close_during_a_handshake(end: Callable[[WebSocket], None], tls: bool) -> None:
    """An attempt that waits for an answer, to the upgrade or to TLS, ends promptly."""
    with silent_listener() as (port, taken):
        scheme = "wss" if tls else "ws"
        opening = WebSocket(f"{scheme}://127.0.0.1:{port}/", None, trusting() if tls else None)
        attempt = Background(opening.open, 60.0, 60.0)
        assert wait_until(lambda: taken and taken[0].recv(1, socket.MSG_PEEK))

        assert seconds_of(lambda: end(opening)) < 1
        assert attempt.ends_within(1)
        assert isinstance(attempt.ended().error, TransportError)


def test_close_during_the_upgrade_over_tls() -> None:
    """An upgrade over TLS that is not answered ends promptly, too."""
    with WireServer(lambda connection: connection.hang(), tls=True) as server:
        opening = WebSocket(f"wss://127.0.0.1:{server.port}/", None, trusting())
        attempt = Background(opening.open, 60.0, 60.0)
        assert wait_until(lambda: server.requests)

        assert seconds_of(opening.close) < 1
        assert attempt.ends_within(1)
        attempt.ended()


@contextlib.contextmanager
def a_port_that_does_not_answer() -> Iterator[int]:
    """Let a port's queue be full: who connects to it waits."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listening.getsockname()
        for _ in range(20):
            sock = stack.enter_context(socket.socket())
            sock.settimeout(0.2)
            try:
                sock.connect(address)
            except TimeoutError:
                break
        else:
            pytest.skip("this system's queue does not fill")
        yield address[1]


def test_a_server_that_takes_no_connection() -> None:
    """An attempt ends when the time for the connection is up, or that for all of it."""
    with a_port_that_does_not_answer() as port:
        for timeout, tcp_timeout in ((60.0, 0.3), (0.3, 60.0)):
            began = time.monotonic()
            ended = how_opening_ends(
                f"ws://127.0.0.1:{port}/", timeout=timeout, tcp_timeout=tcp_timeout
            )
            assert time.monotonic() - began < 5
            assert isinstance(ended.error, TransportError)
            assert isinstance(ended.error.__cause__, TimeoutError)


def test_close_while_it_connects() -> None:
    """close() waits for no connection; the attempt ends when the time for it is up."""
    with a_port_that_does_not_answer() as port:
        opening = WebSocket(f"ws://127.0.0.1:{port}/", None, None)
        attempt = Background(opening.open, 60.0, 1.0)
        assert wait_until(lambda: opening._opening is not None)

        assert seconds_of(opening.close) < 0.5
        assert attempt.ends_within(5)
        attempt.ended()


def test_close_before_the_connection_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that comes about after close() is given up: not a byte is sent on it."""
    create = socket.create_connection
    closing: list[WebSocket] = []

    def late(*args: Any, **kwargs: Any) -> socket.socket:
        sock = create(*args, **kwargs)
        closing[0].close()
        return sock

    monkeypatch.setattr(socket, "create_connection", late)
    with silent_listener() as (port, taken):
        closing.append(WebSocket(f"ws://127.0.0.1:{port}/", None, None))
        with pytest.raises(ConnectionEnded):
            closing[0].open(60.0, 60.0)
        gc.collect()

        assert wait_until(lambda: taken)
        taken[0].settimeout(TIMEOUT)
        assert taken[0].recv(1) == b""


def test_close_as_the_connection_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A close() in the moment in which the server accepts counts: open() ends, not succeeds."""
    connect = websocket._Opening.connect
    closing: list[WebSocket] = []

    def late(self: Any) -> Any:
        connection = connect(self)
        closing[0].close()
        return connection

    monkeypatch.setattr(websocket._Opening, "connect", late)
    with Server(echo) as server:
        closing.append(WebSocket(server.url, None, None))
        with pytest.raises(ConnectionEnded) as raised:
            closing[0].open(TIMEOUT, TIMEOUT)

    assert raised.value.ended == Ended(reason="closed")


def test_close_from_many_threads() -> None:
    """All of them come back promptly."""
    with Server(echo) as server, opened(server.url) as opened_one:
        calls = [Background(opened_one.close) for _ in range(8)]

        assert all(call.ends_within(PROMPTLY) for call in calls)
        assert [call.error for call in calls] == [None] * 8


def test_a_connection_with_a_full_queue_can_be_closed() -> None:
    """Frames that nobody reads do not keep close() waiting."""

    def handler(connection: ServerConnection) -> None:
        for number in range(5000):
            connection.send(f"{number} " + "x" * 1000)
        connection.recv(TIMEOUT)

    with Server(handler, compression=None) as server, opened(server.url) as opened_one:
        assert wait_until(lambda: opened_one._open_connection().recv_messages.paused)

        assert seconds_of(opened_one.close) < PROMPTLY


# --- what is said of it ---


def test_the_logs_are_silent(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """At DEBUG no logger has a record, and the terminal no line, of a frame or a failure."""
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "websockets.client", "callhistory", "callhistory._live.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    with Server(echo, tls=True) as server, opened(server.url, None, trusting()) as opened_one:
        opened_one.send(f"Bearer {SECRET}")
        opened_one.receive(TIMEOUT)
    with Server(raw(b"\x81\x85abcdhello")) as server, opened(server.url) as opened_one:
        how_it_ends(opened_one)
    with Server(echo, tls=True) as server:
        how_opening_ends(server.url, None, ssl.create_default_context())
    with WireServer(lambda connection: connection.send(answer(status="401 no"))) as refusing:
        how_opening_ends(f"ws://127.0.0.1:{refusing.port}/{SECRET}")
    with WireServer(lambda connection: connection.send(b"nonsense")) as refusing:
        how_opening_ends(f"ws://127.0.0.1:{refusing.port}/{SECRET}")

    assert [record.getMessage() for record in caplog.records] == []
    assert not websocket._SILENT.isEnabledFor(logging.CRITICAL)
    assert capfd.readouterr() == ("", "")


def test_its_thread_has_a_name_of_ours() -> None:
    """The library's own thread is told from others by its name, and keeps no program alive."""
    with Server(echo) as server, opened(server.url):
        (thread,) = (t for t in threading.enumerate() if t.name == "callhistory-socket")

        assert thread.daemon


def test_connection_that_ends_as_it_opens_warns_of_nothing() -> None:
    """What websockets raises then has attributes that warn of their age; they are left alone."""
    ended = ConnectionClosedError(Close(1001, "going away"), None)

    problem = no_answer("GET", "mercury.example.com", ended, None)

    assert (
        str(problem)
        == "GET mercury.example.com: no answer: ConnectionClosedError (ConnectionError)"
    )
