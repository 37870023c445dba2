"""Connecting, and connecting again: as the other side sees it, and as the signals say it."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import requests
from attrs import evolve

from callhistory import AuthenticationError, CallHistoryClient, ListenError, signals
from callhistory._limits import USUAL
from callhistory.sandbox import Sandbox
from tests.support.limits import BRISK, Jitter
from tests.support.listening_clients import (
    ONLINE,
    failure_of_listen,
    hearing,
    listening,
    offline,
)
from tests.support.waiting import wait_until

# --- the table ---


@pytest.mark.parametrize(
    ("closed", "reason", "said"),
    [
        *((c, "why", offline(c, "why")) for c in (1000, 1001, 1008, 1011, 1012, 1013, 4999)),
        (1001, "", offline(1001, "Webex closed the connection with 1001")),
        # A close frame without a code, no close frame, and no code that there is.
        (1005, "", offline(1005, "Webex closed the connection with 1005")),
        (1006, "", offline(None, "the connection was lost")),
        (65535, "odd", offline(None, "the connection was lost")),
    ],
)
def test_end_that_passes_is_followed_by_another_connection(
    cloud: Sandbox, closed: int, reason: str, said: signals.Offline
) -> None:
    """After these ends the client connects again, to the same address: offline, then online."""
    with listening(cloud) as (client, heard):
        cloud.close_connections(closed, reason)

        heard.wait_for(signals.Online, 2)
        assert heard.states == [ONLINE, said, ONLINE]
        first, second = cloud.attempts
        assert (second.is_open, client.listening) == (True, True)
        assert first.path == second.path
        assert not cloud.requests_to("/devices/", "PUT")


@pytest.mark.parametrize("code", [4000, 4400, 4403, 1003, 1007, 1009, 1010])
def test_closing_for_good(cloud: Sandbox, code: int) -> None:
    """After these codes the client does not connect again, and wait() raises."""
    with listening(cloud) as (client, heard):
        cloud.close_connections(code, "why")

        with pytest.raises(ListenError) as raised:
            client.wait(10)
        assert type(raised.value) is ListenError
        assert (raised.value.code, raised.value.reason) == (code, "why")
        heard.wait_for(signals.Offline)
        assert not client.listening
        assert len(cloud.attempts) == 1
    assert heard.states == [ONLINE, offline(code, "why", reconnecting=False)]


def test_connection_without_pongs_is_replaced(cloud: Sandbox) -> None:
    """A connection over which no pong comes is dead, whatever the socket says."""
    limits = evolve(BRISK, ping_interval=0.02, pong_timeout=0.2)
    with listening(cloud, _limits=limits) as (_, heard):
        cloud.go_silent()
        session = cloud.place_call()

        heard.wait_for(signals.Online, 2)
        (down,) = heard.of(signals.Offline)
        assert (down.code, down.reconnecting) == (None, True)
        assert "no pong" in down.reason
        assert cloud.attempts[0].closed_by == "client"
        assert session.session_id in heard.wait_for_sessions(1)


# --- the address ---


def test_device_that_is_gone_is_registered_anew(cloud: Sandbox) -> None:
    """After a 4404 the client registers another device, and connects as that."""
    with listening(cloud) as (_, heard):
        (gone,) = cloud.devices
        token = {"Authorization": f"Bearer {cloud.access_token}"}
        requests.delete(gone.url, headers=token, timeout=5).raise_for_status()
        cloud.place_call()

        heard.wait_for(signals.Online, 2)
        assert heard.states == [ONLINE, offline(4404, "there is no such device"), ONLINE]
        (device,) = cloud.devices
        assert [connection.device_url for connection in cloud.attempts] == [gone.url, device.url]


def test_address_that_is_gone_is_replaced(cloud: Sandbox) -> None:
    """After a 404 at the upgrade the device is refreshed, and its new address is used."""
    with listening(cloud) as (_, heard):
        cloud.retire_websockets()
        cloud.close_connections(1001)

        heard.wait_for(signals.Online, 2)
        first, second, third = cloud.attempts
        assert [attempt.status for attempt in cloud.attempts] == [101, 404, 101]
        assert first.path == second.path != third.path
        assert len(cloud.requests_to("/devices/", "PUT")) == 1
        assert len(cloud.devices) == 1


def test_address_is_refreshed_after_two_failures(cloud: Sandbox) -> None:
    """After every second attempt in a row that failed, the device is refreshed."""
    with listening(cloud) as (_, heard):
        cloud.fail_upgrades(status=503, times=5)
        cloud.close_connections(1001)

        heard.wait_for(signals.Online, 2)
        moments = [("attempt", attempt.opened_at) for attempt in cloud.attempts]
        moments += [
            ("refresh", request.received_at) for request in cloud.requests_to("/devices/", "PUT")
        ]
        assert [what for what, _ in sorted(moments, key=lambda moment: moment[1])] == [
            *("attempt", "attempt", "attempt"),
            "refresh",
            *("attempt", "attempt"),
            "refresh",
            *("attempt", "attempt"),
        ][: len(moments)]


def test_device_that_cannot_be_refreshed_is_tried_again(cloud: Sandbox) -> None:
    """When the refresh fails, the client goes on trying."""
    with listening(cloud, max_retries=0) as (_, heard):
        cloud.fail_next("/devices/", method="PUT", status=500, times=2)
        cloud.fail_next("/devices/", method="PUT", reset=True)
        cloud.retire_websockets()
        cloud.close_connections(1001)

        heard.wait_for(signals.Online, 2)
        assert cloud.attempts[-1].is_open


def test_refused_refresh_of_the_device_is_for_good_only_for_its_token(cloud: Sandbox) -> None:
    """A 401 at the device ends it when there is no other token; a 403 may pass."""
    with listening(cloud) as (client, heard):
        cloud.fail_next("/devices/", method="PUT", status=403)
        cloud.fail_next("/devices/", method="PUT", status=401)
        cloud.retire_websockets()
        cloud.close_connections(1001)

        with pytest.raises(AuthenticationError):
            client.wait(10)
        assert len(cloud.requests_to("/devices/", "PUT")) == 2
        heard.wait_for(signals.Offline, 2)


# --- how fast one connection follows another ---


@pytest.mark.parametrize(("after", "code"), [("upgrade", 1006), ("readiness", 1013)])
def test_server_that_drops_at_once_is_not_hammered(
    cloud: Sandbox, jitter: Jitter, after: Any, code: int
) -> None:
    """Connections that end at once are further and further apart, up to 32 seconds."""
    with listening(cloud, _limits=USUAL) as (_, heard):
        cloud.wait_for_frames("pong")  # the first connection is through
        cloud.drop_at_once(after=after, code=code, times=8)
        cloud.close_connections(1001)

        cloud.wait_for_attempts(10)
        assert wait_until(lambda: cloud.attempts[-1].is_open)
        heard.wait_for(signals.Online, 2)
        assert jitter.bounds == [(0, high) for high in (1, 2, 4, 8, 16, 32, 32, 32, 32)]


def test_good_connection_is_replaced_at_once(cloud: Sandbox, jitter: Jitter) -> None:
    """After a connection that was good for a while, the first attempt follows at once."""
    with listening(cloud, _limits=evolve(USUAL, good_connection=0.0)) as (_, heard):
        for count in range(2, 6):
            cloud.close_connections(1001)
            heard.wait_for(signals.Online, count)
        assert jitter.bounds == [(0, 0)] * 4

        cloud.fail_upgrades(status=503, times=2)
        cloud.close_connections(1001)
        heard.wait_for(signals.Online, 6)
        assert jitter.bounds[4:] == [(0, 0), (0, 2), (0, 4)]


def test_retry_after_at_the_upgrade_is_honoured(cloud: Sandbox) -> None:
    """A server that says when to come again is not asked before that, up to a limit."""
    with listening(cloud, _limits=evolve(BRISK, longest_live_retry_after=0.3)) as (_, heard):
        cloud.fail_upgrades(retry_after=1)
        cloud.close_connections(1001)

        heard.wait_for(signals.Online, 2)
        _, refused, accepted = cloud.attempts
        assert refused.status == 429
        assert accepted.opened_at - refused.opened_at >= 0.3


# --- the upgrade ---


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("wss://mercury.example.com/v1/messages", "not one of Webex's hosts"),
        ("ws://mercury.wbx2.com/v1/messages", "not protected by TLS"),
        ("http:/nonsense", "not the address"),
        ("", "not the address"),
        (None, "not the address"),
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
    """A redirect of the upgrade is a refusal: no other server gets a connection, or the token."""
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
    assert not {"authorization", "cookie"} & {name.lower() for name in connection.headers}
    assert cloud.access_token not in repr(dict(connection.headers)) + connection.path
    assert "permessage-deflate" in connection.headers["sec-websocket-extensions"]
    assert [frame.json["data"] for frame in received] == [{"token": f"Bearer {cloud.access_token}"}]
    assert cloud.access_token not in "".join(
        str(frame.content) for frame in cloud.frames if frame not in received
    )


# --- other ends ---


def test_webex_that_is_closed_ends_it(cloud: Sandbox) -> None:
    """When its Webex is closed, a client stops listening, and wait() raises an error for it."""
    webex = cloud.webex(_limits=evolve(BRISK, ping_interval=0.02))
    client = CallHistoryClient(webex)
    with hearing(client) as heard, client:
        client.listen()
        webex.close()

        with pytest.raises(ListenError, match="closed"):
            client.wait(10)
        assert not client.listening
        heard.wait_for(signals.Offline, 2)
        assert [state.reconnecting for state in heard.of(signals.Offline)] == [True, False]


def test_unexpected_failure_ends_it(cloud: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected error ends it; the log has where it was raised, and not its text."""
    secret = "sEcReT"

    class FailingTasks:
        """Fails as soon as the thread that reads asks it for something."""

        def refresh_when_due(self) -> float:
            raise KeyError(secret)

        def __getattr__(self, name: str) -> Any:
            return getattr(http_tasks, name)

    with listening(cloud, _limits=evolve(BRISK, ping_interval=0.02)) as (client, heard):
        loop = client._listener._loop
        assert loop is not None
        http_tasks = loop._reader.http_tasks
        object.__setattr__(loop._reader, "http_tasks", FailingTasks())

        with pytest.raises(ListenError, match="the listener failed with KeyError"):
            client.wait(10)
        heard.wait_for(signals.Offline)
        assert [state.reconnecting for state in heard.of(signals.Offline)] == [False]
        assert wait_until(lambda: not cloud.attempts[0].is_open)
    assert "test_connection_loop.py" in caplog.text
    assert secret not in caplog.text


def test_webex_that_cannot_be_reached_is_found_again(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """After a while without any Webex the client connects when it is back."""
    with caplog.at_level("INFO"), listening(cloud, max_retries=0) as (client, heard):
        cloud.close()
        (down,) = heard.wait_for(signals.Offline)
        assert down.reconnecting
        assert wait_until(lambda: caplog.text.count("no answer") >= 4)
        assert client.listening

        cloud.start()
        heard.wait_for(signals.Online, 2)
        session = cloud.place_call()
        # Perhaps as recovered first: the fetch for the outage may still be under way.
        assert session.session_id in heard.wait_for_sessions(1)
