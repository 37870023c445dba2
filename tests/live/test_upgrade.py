"""The upgrade of a connection for live events: where it goes, and what it carries."""

from __future__ import annotations

import socket

import pytest

from callhistory import CallHistoryClient, ListenError
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import failure_of_listen


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("wss://mercury.example.com/v1/messages", "not one of Webex's hosts"),
        ("ws://mercury.wbx2.com/v1/messages", "not protected by TLS"),
        ("http:/nonsense", "no address"),
        ("", "no address"),
        (None, "no address"),
    ],
)
def test_address_that_may_not_see_the_token(
    cloud: Sandbox, client: CallHistoryClient, address: str | None, words: str
) -> None:
    """A websocket address that may not see the token is refused before anything goes there."""
    device = {"url": f"{cloud.u2c_url}/devices/1", "webSocketUrl": address}
    cloud.fail_next("/devices", method="POST", body=device)

    error = failure_of_listen(client)

    assert type(error) is ListenError
    assert words in error.reason


def test_redirect_of_the_upgrade_is_not_followed(cloud: Sandbox, client: CallHistoryClient) -> None:
    """A redirected upgrade is a refused one: nobody else gets a connection, or the token."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.0)
        location = f"ws://127.0.0.1:{elsewhere.getsockname()[1]}/messages"
        for status in (301, 302, 303, 307, 308):
            cloud.fail_upgrades(status=status, headers={"Location": location})

        client.listen()

        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert [attempt.status for attempt in cloud.attempts] == [301, 302, 303, 307, 308, 101]


def test_token_is_in_the_first_frame_only(cloud: Sandbox, client: CallHistoryClient) -> None:
    """The upgrade has the documented parameters, offers compression, and carries no token."""
    client.listen()

    (connection,) = cloud.connections
    stamp = int(connection.query["clientTimestamp"])
    received = cloud.frames_of("authorization", direction="received")
    assert connection.query == {
        "outboundWireFormat": "text",
        "bufferStates": "true",
        "aliasHttpStatus": "true",
        "clientTimestamp": str(stamp),
        "multipleConnections": "true",
    }
    assert stamp > 1_700_000_000_000
    assert "authorization" not in connection.headers
    assert cloud.access_token not in repr(dict(connection.headers)) + connection.path
    assert "permessage-deflate" in connection.headers["sec-websocket-extensions"]
    assert [frame.json["data"] for frame in received] == [{"token": f"Bearer {cloud.access_token}"}]
    assert cloud.access_token not in "".join(
        str(frame.content) for frame in cloud.frames if frame not in received
    )
