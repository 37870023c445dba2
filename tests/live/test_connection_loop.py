"""What follows the end of a connection: seen from the other side, and from online and offline."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from callhistory import AuthenticationError, CallHistoryClient, ListenError, signals
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import ONLINE, hearing, listening, offline, said_with
from tests.support.waiting import wait_until

# --- the table ---


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013, 1008, 1014, 3000, 4001, 4499, 4999])
@pytest.mark.parametrize("reason", ["", "some reason"])
def test_closing_that_passes_is_followed_by_another_connection(
    cloud: Sandbox, code: int, reason: str
) -> None:
    """After these codes the client connects anew, to the same address, and says both."""
    with listening(cloud) as (client, heard):
        cloud.close_connections(code, reason)

        heard.wait_for(signals.Online, 2)
        assert heard.states == [ONLINE, offline(code, reason or said_with(code)), ONLINE]
        first, second = cloud.attempts
        assert (first.close_code, second.is_open, client.listening) == (code, True, True)
        assert first.path == second.path
        assert not cloud.requests_to("/devices/", "PUT")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda cloud: cloud.close_connections(1005), 1005),
        (lambda cloud: cloud.close_connections(1006), None),
        (lambda cloud: cloud.close_connections(0, "odd"), None),
        (lambda cloud: cloud.close_connections(65535, "odd"), None),
        (lambda cloud: cloud.drop_connections(), None),
    ],
    ids=["no code", "no close frame", "code 0", "code 65535", "reset"],
)
def test_end_without_a_code_is_followed_by_another_connection(
    cloud: Sandbox, end: Callable[[Sandbox], None], code: int | None
) -> None:
    """A connection that ends without a word, or with one that is none, is replaced."""
    with listening(cloud) as (_, heard):
        end(cloud)

        heard.wait_for(signals.Online, 2)
        reason = said_with(code) if code else "the connection was lost"
        assert heard.states == [ONLINE, offline(code, reason), ONLINE]


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
        assert heard.states == [ONLINE, offline(code, "why", reconnecting=False)]
        assert not client.listening
        assert len(cloud.attempts) == 1


def test_connection_without_pongs_is_replaced(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection over which no pong comes is dead, whatever the socket says."""
    monkeypatch.setattr("callhistory._live.protocol.PING_INTERVAL", 0.02)
    monkeypatch.setattr("callhistory._live.protocol.PONG_TIMEOUT", 0.2)
    with listening(cloud) as (_, heard):
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
    """After a 4404 the client registers a device anew, and connects as that."""
    with listening(cloud) as (_, heard):
        (gone,) = cloud.devices
        token = {"Authorization": f"Bearer {cloud.access_token}"}
        requests.delete(gone.url, headers=token, timeout=5).raise_for_status()
        cloud.place_call()

        heard.wait_for(signals.Online, 2)
        assert heard.states == [ONLINE, offline(4404, "there is no such device"), ONLINE]
        (device,) = cloud.devices
        assert [connection.device_url for connection in cloud.attempts] == [gone.url, device.url]


def test_address_that_is_gone_is_asked_for_anew(cloud: Sandbox) -> None:
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


def test_address_is_asked_for_after_two_failures(cloud: Sandbox) -> None:
    """After each two attempts in a row that failed, the device is refreshed."""
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
    """A 401 at the device, when there is no other token, ends it; a 403 may pass."""
    with listening(cloud) as (client, heard):
        cloud.fail_next("/devices/", method="PUT", status=403)
        cloud.fail_next("/devices/", method="PUT", status=401)
        cloud.retire_websockets()
        cloud.close_connections(1001)

        with pytest.raises(AuthenticationError):
            client.wait(10)
        assert len(cloud.requests_to("/devices/", "PUT")) == 2
        heard.wait_for(signals.Offline, 2)


# --- whatever else ends it ---


def test_webex_that_is_closed_ends_it(cloud: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its Webex is closed, a client stops listening, and wait() says so."""
    monkeypatch.setattr("callhistory._live.protocol.PING_INTERVAL", 0.02)
    webex = cloud.webex()
    client = CallHistoryClient(webex)
    with hearing(client) as heard, client:
        client.listen()
        webex.close()

        with pytest.raises(ListenError, match="closed"):
            client.wait(10)
        assert not client.listening
        heard.wait_for(signals.Offline, 2)
        assert [state.reconnecting for state in heard.of(signals.Offline)] == [True, False]


def test_failure_of_our_own_is_said(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that nobody thought of ends it with a word, and a place in the log; not its text."""
    secret = "sEcReT"

    class Failing:
        @property
        def envelope(self) -> object:
            raise KeyError(secret)

    with listening(cloud) as (client, heard):
        monkeypatch.setattr("callhistory._live.protocol.Deliver", lambda _: Failing())
        monkeypatch.setattr("callhistory._live.reader.Deliver", Failing)
        cloud.place_call()

        with pytest.raises(ListenError, match="the listener failed with KeyError"):
            client.wait(10)
        heard.wait_for(signals.Offline)
        assert [state.reconnecting for state in heard.of(signals.Offline)] == [False]
        assert wait_until(lambda: not cloud.attempts[0].is_open)
    assert "test_reconnecting.py" in caplog.text
    assert secret not in caplog.text


def test_webex_that_cannot_be_reached_is_found_again(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A Webex that is not there at all for a while is found again when it is back."""
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
