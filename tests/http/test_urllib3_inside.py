"""What ``_http.deadline`` needs of the inside of urllib3 and http.client, in their own words.

These tests fail first when one of the two changes what it never promised.
"""

from __future__ import annotations

import io
import socket
from typing import Any

import pytest
import requests.adapters
import urllib3
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection

from callhistory._http.deadline import DeadlineAdapter, DeadlineFile
from tests.support.wire_server import WireServer, answer


@pytest.mark.parametrize("manager", [PoolManager(), ProxyManager("http://127.0.0.1:1")])
def test_urllib3_finds_its_pools_by_scheme(manager: PoolManager) -> None:
    """urllib3: a manager has the classes of its pools in ``pool_classes_by_scheme``."""
    assert manager.pool_classes_by_scheme == {
        "http": HTTPConnectionPool,
        "https": HTTPSConnectionPool,
    }


def test_urllib3_connection_has_its_socket_after_connect() -> None:
    """urllib3: after ``connect()`` the socket of a connection is its ``sock``."""
    with WireServer(lambda connection: connection.send(answer())) as server:
        connection = HTTPConnection("127.0.0.1", server.port)
        connection.connect()
        assert isinstance(connection.sock, socket.socket)
        connection.close()


def test_urllib3_response_reads_what_is_there() -> None:
    """urllib3: ``read1`` returns the part of a body that has come, and does not wait for more."""
    response = urllib3.HTTPResponse(io.BytesIO(b"part"), preload_content=False)

    assert response.read1(64 * 1024, decode_content=True) == b"part"
    assert response.read1(64 * 1024, decode_content=True) == b""


def test_deadline_is_in_what_urllib3_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """urllib3: all of the above together: an answer is read through the file with a deadline."""
    read: list[int] = []
    readinto = DeadlineFile.readinto

    def note(file: DeadlineFile, buffer: Any) -> int | None:
        count = readinto(file, buffer)
        read.append(count or 0)
        return count

    monkeypatch.setattr(DeadlineFile, "readinto", note)
    with (
        WireServer(lambda connection: connection.send(answer(b"body"))) as server,
        requests.Session() as session,
    ):
        session.mount("http://", DeadlineAdapter())
        assert session.get(server.url, timeout=5).content == b"body"

    assert sum(read) == len(answer(b"body"))


def test_socks_proxy_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """urllib3: the connections through a SOCKS proxy are made by classes of their own."""

    class Socks(PoolManager):
        def __init__(self, proxy: str, **_: Any) -> None:
            super().__init__()
            self.proxy_url = proxy

    monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", Socks)
    manager = DeadlineAdapter().proxy_manager_for("socks5h://127.0.0.1:1080")

    assert manager.proxy_url == "socks5h://127.0.0.1:1080"
    assert manager.pool_classes_by_scheme == PoolManager().pool_classes_by_scheme
