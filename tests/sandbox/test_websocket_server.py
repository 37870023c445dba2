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
from websockets.exceptions import InvalidStatus

from callhistory.sandbox import Connection, Sandbox
from callhistory.sandbox._mercury.switchboard import MercuryLimits
from tests.sandbox.device_client import Device, Line
from tests.sandbox.http_client import Http


def refused(device: Device) -> int:
    with pytest.raises(InvalidStatus) as refusal, device.open():
        pass
    return refusal.value.response.status_code


class TestUpgrade:
    """Getting a websocket."""

    def test_catalog_names_the_host(self, http: Http, device: Device) -> None:
        """The catalog has the host of the websockets, and its port."""
        link = http("GET", "/u2c/api/v1/catalog?format=hostmap").json()["serviceLinks"]["mercury"]

        assert urlsplit(link).netloc == urlsplit(device.websocket_url).netloc
        assert urlsplit(device.websocket_url).port != urlsplit(http.base).port

    def test_parameters_are_noted(self, cloud: Sandbox, device: Device) -> None:
        """The device, the query and the headers of an upgrade are in the log."""
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
        """An address that was never handed out is a 404, and the attempt is noted."""
        device.websocket_url = device.websocket_url.replace("/messages", "x/messages")

        assert refused(device) == 404
        (attempt,) = cloud.attempts
        assert (attempt.status, attempt.device_url) == (404, None)
        assert cloud.connections == ()

    def test_address_of_a_deleted_device_is_not_found(self, http: Http, device: Device) -> None:
        """With the device, its address is gone."""
        http("DELETE", device.url)

        assert refused(device) == 404

    def test_retired_address_is_not_found(
        self, cloud: Sandbox, http: Http, device: Device, line: Line
    ) -> None:
        """After the addresses were retired a device must be refreshed; open connections stay."""
        cloud.retire_websockets()

        assert refused(device) == 404
        fresh = http("PUT", device.url).json()["webSocketUrl"]
        assert fresh != device.websocket_url
        assert refused(device) == 404
        assert line.ping()["type"] == "pong"
        device.websocket_url = fresh
        with device.connected():
            pass

    def test_plain_request_is_told_to_upgrade(self, device: Device) -> None:
        """Without an upgrade the answer is a 426."""
        url = device.websocket_url.replace("ws:", "http:")

        assert requests.get(url, timeout=5).status_code == 426

    def test_mute_client_is_hung_up_on(self) -> None:
        """A client that connects and sends nothing is hung up on."""
        limits = MercuryLimits(upgrade_timeout=0.05)
        with Sandbox(_limits=limits) as cloud, raw_connection(Device(cloud)) as mute:
            assert mute.recv(1) == b""


class TestEnd:
    """The end of connections, and of the sandbox."""

    @pytest.fixture
    def impatient(self) -> Iterator[Sandbox]:
        with Sandbox(sessions=0, _limits=MercuryLimits(client_timeout=0.1)) as running:
            yield running

    def test_client_may_close(self, cloud: Sandbox, device: Device) -> None:
        """What a client closes with is in the log."""
        with device.connected() as line:
            line.websocket.close(3050, "done")
        connection = cloud.connections[0]
        cloud.wait_until(lambda: connection.closed_at)

        assert (connection.close_code, connection.close_reason) == (3050, "done")
        assert connection.closed_by == "client"
        assert not connection.is_open

    def test_client_may_vanish(self, cloud: Sandbox, device: Device) -> None:
        """An end without a close frame is a 1006 of the client's."""
        with device.connected() as line:
            line.websocket.socket.shutdown(socket.SHUT_RDWR)
            connection = cloud.wait_until(lambda: closed(cloud))

        assert (connection.close_code, connection.closed_by) == (1006, "client")

    def test_broken_protocol_is_closed(self, cloud: Sandbox, device: Device) -> None:
        """A frame that is none is a 1002."""
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
        """Started again, it takes connections at the addresses that it handed out."""
        cloud.close()
        cloud.start()

        with device.connected():
            cloud.wait_for_connections()

    def test_port_can_be_chosen(self, cloud: Sandbox, device: Device) -> None:
        """A port that is taken is an OSError and leaves nothing open, one that is free is used."""
        port = urlsplit(device.websocket_url).port
        assert port is not None

        with pytest.raises(OSError, match=r"in use|10048"):
            Sandbox(mercury_port=port).start()
        cloud.close()
        with Sandbox(mercury_port=port) as other:
            assert urlsplit(Device(other).websocket_url).port == port

    def test_hanging_clients_do_not_delay_closing(
        self, cloud: Sandbox, device: Device, line: Line
    ) -> None:
        """Clients that neither read nor answer are hung up on, at whatever point they are."""
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
