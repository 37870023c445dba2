"""This program's device: how it is registered, what it says, how it is refreshed and expires."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from callhistory import ApiError, CallHistoryClient, DecodeError
from callhistory._http.session import Session
from callhistory._webex import device as device_module
from callhistory._webex.account import Account
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"


@pytest.fixture
def account(cloud: Sandbox) -> Iterator[Account]:
    """Return an account that has no device yet."""
    with cloud.webex() as webex:
        yield webex._account


@pytest.fixture
def session(account: Account) -> Iterator[Session]:
    """Return an HTTP session of the account."""
    made = account.open_http_session()
    yield made
    made.close()


# --- registration ---


def test_device_describes_this_program(cloud: Sandbox, client: CallHistoryClient) -> None:
    """The registration names this library and a time after which Webex may forget it."""
    client.get_call_history_data()

    (request,) = cloud.requests_to("/devices")
    assert request.query_string == "includeUpstreamServices=all"
    body = request.json
    assert set(body) == {
        "name",
        "deviceType",
        "model",
        "localizedModel",
        "systemName",
        "systemVersion",
        "ttl",
    }
    assert (body["name"], body["deviceType"], body["ttl"]) == ("callhistory", "WEB", 1800)
    assert all(isinstance(body[key], str) and body[key] for key in body.keys() - {"ttl"})


@pytest.mark.parametrize(
    "url",
    [
        "http://wdm-a.wbx2.com/devices/1",
        "https://wdm-a.wbx2.com/devices/\u20ac",
        "https://wdm-a.wbx2.com/devices/\ud800",
        "https://wdm-a.wbx2.com/devices/1\r\nX-Other: header",
        "no address",
        "",
    ],
)
def test_device_elsewhere_is_refused(cloud: Sandbox, client: CallHistoryClient, url: str) -> None:
    """A device whose address may not see the token is no answer of Webex; nothing goes there."""
    cloud.fail_next("/devices", body={"url": url})

    with pytest.raises(DecodeError, match="url: expected an address of Webex") as caught:
        client.get_call_history_data()

    assert caught.value.path == "url"
    assert cloud.requests_to(HISTORY) == ()


# --- refresh ---


def test_refreshed_device_stays_the_same(
    cloud: Sandbox, account: Account, session: Session
) -> None:
    """A refresh tells Webex that the device is still there, and which version of it is known."""
    device = account.refresh_device(session)
    (registration,) = cloud.requests_to("/devices", "POST")
    assert cloud.requests_to("/devices", "PUT") == (), "there was none to refresh"

    assert account.refresh_device(session).url == device.url

    (request,) = cloud.requests_to("/devices", "PUT")
    assert request.query_string == "includeUpstreamServices=all"
    assert request.headers["If-None-Match"] == device.etag
    assert request.json == registration.json
    assert len(cloud.devices) == 1


def test_refresh_without_a_version_asks_for_the_whole(
    cloud: Sandbox, account: Account, session: Session
) -> None:
    """A device that came without an etag is refreshed without one."""
    url = account.device(session).url
    cloud.fail_next("/devices", method="PUT", body={"url": url, "userId": "somebody"})

    fresh = account.refresh_device(session)
    assert (fresh.etag, fresh.user_id) == (None, "somebody")
    assert account.refresh_device(session).etag is not None

    assert "If-None-Match" not in cloud.requests_to("/devices", "PUT")[1].headers


@pytest.mark.parametrize(
    ("status", "outcome"), [(304, "kept"), (404, "new"), (410, "new"), (403, "raised")]
)
def test_refresh_that_is_no_success(
    cloud: Sandbox, account: Account, session: Session, status: int, outcome: str
) -> None:
    """A device is kept at 304 and at a refusal, which is raised; a forgotten one is replaced."""
    device = account.device(session)
    cloud.fail_next("/devices", method="PUT", status=status)

    if outcome == "raised":
        with pytest.raises(ApiError) as caught:
            account.refresh_device(session)
        assert caught.value.status_code == status
    else:
        refreshed = account.refresh_device(session)
        assert refreshed is account.device(session)

    assert (account.device(session) is device) == (outcome != "new")
    assert len(cloud.requests_to("/devices", "POST")) == 1 + (outcome == "new")


# --- expiry ---


@pytest.mark.parametrize(("slept", "named"), [(1799, True), (1801, False)])
@pytest.mark.parametrize("refreshed", [True, False])
def test_device_that_expired_is_not_named(
    cloud: Sandbox,
    client: CallHistoryClient,
    monkeypatch: pytest.MonkeyPatch,
    slept: int,
    named: bool,
    refreshed: bool,
) -> None:
    """A request does not say that it comes from a device that Webex has forgotten meanwhile.

    It has also if the machine slept, when ``time.monotonic()`` stands still.
    """
    now = 0.0
    monkeypatch.setattr(device_module, "steady", lambda: now)
    client.get_call_history_data()
    if refreshed:
        now += 1700
        client._account.refresh_device(client._http)
    now += slept
    client.get_call_history_data()

    first, second = cloud.requests_to(HISTORY)
    assert "cisco-device-url" in first.headers
    assert ("cisco-device-url" in second.headers) == named
