"""Upgrades to websockets, and the end of connections."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests

from callhistory.sandbox import Connection, Sandbox
from callhistory.sandbox._sandbox_limits import SandboxLimits
from tests.sandbox.device_client import Device, Line
from tests.sandbox.http_client import Http


class TestUpgrade:
    """Getting a websocket."""

    def test_catalog_names_the_host(self, http: Http, device: Device) -> None:
        """The catalog has the host of the websockets, and its port."""
        link = http("GET", "/u2c/api/v1/catalog?format=hostmap").json()["serviceLinks"]["mercury"]

        assert urlsplit(link).netloc == urlsplit(device.websocket_url).netloc
        assert urlsplit(device.websocket_url).port != urlsplit(http.base).port

    def test_parameters_are_noted(self, cloud: Sandbox, device: Device) -> None:
        """The device, the query and the headers of an upgrade are recorded."""
        query = "?outboundWireFormat=text&bufferStates=true&empty=&odd=%C3%A9"
        with device.open(query, additional_headers={"Probe": "x"}):
            (connection,) = cloud.connections

        assert connection.device_url == device.url
        assert connection.path == urlsplit(device.websocket_url).path
        assert connection.query == {
            "outboundWireFormat": "text",
            "bufferStates": "true",
            "empty": "",
            "odd": "é",
        }
        assert connection.headers["probe"] == "x"
        assert connection.status == 101

    @pytest.mark.parametrize(
        ("compression", "extension"), [("deflate", "permessage-deflate"), (None, None)]
    )
    def test_compression_is_the_clients_choice(
        self, device: Device, compression: str | None, extension: str | None
    ) -> None:
        """Frames are compressed if the client offers it."""
        with device.open(compression=compression) as line:
            line.authorize()
            line.hear()
            accepted = [e.name for e in line.websocket.protocol.extensions]

        assert accepted == ([extension] if extension else [])

    def test_unknown_address_is_not_found(self, cloud: Sandbox, device: Device) -> None:
        """An unknown address is answered with 404, and the attempt is recorded."""
        device.websocket_url = device.websocket_url.replace("/messages", "x/messages")

        assert device.refusal().status_code == 404
        (attempt,) = cloud.attempts
        assert (attempt.status, attempt.device_url) == (404, None)
        assert cloud.connections == ()

    def test_address_of_a_deleted_device_is_not_found(self, http: Http, device: Device) -> None:
        """The address of a deleted device is answered with 404."""
        http("DELETE", device.url)

        assert device.refusal().status_code == 404

    def test_retired_address_is_not_found(
        self, cloud: Sandbox, http: Http, device: Device, line: Line
    ) -> None:
        """A retired address is answered with 404; a refresh assigns a new one; connections stay."""
        cloud.retire_websockets()

        assert device.refusal().status_code == 404
        fresh = http("PUT", device.url).json()["webSocketUrl"]
        assert fresh != device.websocket_url
        assert device.refusal().status_code == 404
        assert line.ping()["type"] == "pong"
        device.websocket_url = fresh
        device.connect()

    def test_plain_request_is_told_to_upgrade(self, device: Device) -> None:
        """A request without an upgrade is answered with 426."""
        url = device.websocket_url.replace("ws:", "http:")

        assert requests.get(url, timeout=5).status_code == 426

    def test_mute_client_is_hung_up_on(self) -> None:
        """A client that connects and sends nothing is hung up on."""
        limits = SandboxLimits(upgrade_timeout=0.05)
        with Sandbox(_limits=limits) as cloud, raw_connection(Device(cloud)) as mute:
            assert mute.recv(1) == b""


class TestEnd:
    """The end of connections, and of the sandbox."""

    @pytest.fixture
    def impatient(self) -> Iterator[Sandbox]:
        with Sandbox(sessions=0, _limits=SandboxLimits(client_timeout=0.1)) as running:
            yield running

    def test_client_may_close(self, cloud: Sandbox, device: Device) -> None:
        """The code and reason of a client's close frame are recorded."""
        with device.connected() as line:
            line.websocket.close(3050, "done")
        connection = cloud.connections[0]
        cloud.wait_until(lambda: connection.closed_at)

        assert (connection.close_code, connection.close_reason) == (3050, "done")
        assert connection.closed_by == "client"
        assert not connection.is_open

    def test_client_may_vanish(self, cloud: Sandbox, device: Device) -> None:
        """An end without a close frame is recorded as the client's 1006."""
        with device.connected() as line:
            line.websocket.socket.shutdown(socket.SHUT_RDWR)
            connection = cloud.wait_until(lambda: closed(cloud))

        assert (connection.close_code, connection.closed_by) == (1006, "client")

    def test_broken_protocol_is_closed(self, cloud: Sandbox, device: Device) -> None:
        """An invalid frame is answered with 1002."""
        with device.connected() as line:
            line.websocket.socket.sendall(b"\xff\xff")

            assert line.ending()[0] == 1002

    def test_closing_tells_the_clients(self, cloud: Sandbox, line: Line) -> None:
        """When the sandbox closes, connections are closed with 1001."""
        cloud.close()

        assert line.ending()[0] == 1001
        assert cloud.connections[0].close_code == 1001
        assert no_thread_is_left()

    def test_comes_back_at_the_same_address(self, cloud: Sandbox, device: Device) -> None:
        """A sandbox that is started again accepts connections at the same addresses."""
        cloud.close()
        cloud.start()

        with device.connected():
            cloud.wait_for_connections()

    def test_hanging_clients_do_not_delay_closing(
        self, cloud: Sandbox, device: Device, line: Line
    ) -> None:
        """Clients that hang do not delay closing, whatever state they are in."""
        cloud.delay_readiness(60)
        cloud.fail_upgrades(delay=60)
        with raw_connection(device) as mute, raw_connection(device) as waiting:
            waiting.sendall(upgrade_of(device))
            cloud.wait_until(lambda: len(cloud.attempts) == 2)
            with device.open() as unready, raw_connection(device) as deaf:
                unready.authorize()
                deaf.sendall(upgrade_of(device))
                cloud.wait_for_attempts(3)
                mute.sendall(b"GET /")
                cloud.go_silent(connection=cloud.connections[0])
                began = time.monotonic()

                cloud.close()

                assert time.monotonic() - began < 2
                assert no_thread_is_left()

    def test_client_that_does_not_read_is_dropped(self, impatient: Sandbox) -> None:
        """Sending does not wait for ever for a client that does not read."""
        cloud = impatient
        with deaf_connection(cloud), ThreadPoolExecutor(1) as pool:
            pool.submit(cloud.send_frame, "x" * 30_000_000)
            connection = cloud.wait_until(lambda: closed(cloud))

        assert (connection.close_code, connection.closed_by) == (1006, "sandbox")

    def test_client_that_does_not_answer_a_close_is_dropped(self, impatient: Sandbox) -> None:
        """A connection whose client does not answer the close frame is ended."""
        cloud = impatient
        with deaf_connection(cloud):
            cloud.close_connections(1012, "restart")
            connection = cloud.wait_until(lambda: closed(cloud))

        assert (connection.close_code, connection.close_reason) == (1012, "restart")


def closed(cloud: Sandbox) -> Connection | None:
    return next((c for c in cloud.connections if c.closed_at is not None), None)


def no_thread_is_left() -> bool:
    return not [t for t in threading.enumerate() if t.name.startswith("callhistory-sandbox")]


def raw_connection(device: Device) -> socket.socket:
    url = urlsplit(device.websocket_url)
    assert url.hostname
    assert url.port
    return socket.create_connection((url.hostname, url.port), timeout=5)


@contextmanager
def deaf_connection(cloud: Sandbox) -> Iterator[None]:
    """Open a websocket whose client does not read."""
    device = Device(cloud)
    with raw_connection(device) as deaf:
        deaf.sendall(upgrade_of(device))
        cloud.wait_for_attempts()
        yield


def upgrade_of(device: Device) -> bytes:
    url = urlsplit(device.websocket_url)
    head = (
        f"GET {url.path} HTTP/1.1",
        f"Host: {url.netloc}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "",
        "",
    )
    return "\r\n".join(head).encode()
