"""TODO."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callhistory import (
    CallHistoryClient,
    CallingBackend,
    DecodeError,
    TransportError,
)
from callhistory._http.response import Refused
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"
TOKEN = "sEcReT"


@pytest.mark.parametrize(
    "url",
    [
        "https://wdm.evil.example/devices/1",
        "http://wdm-a.wbx2.com/devices/1",
        "https://wdm-a.wbx2.com@evil.example/devices/1",
        "https://wdm-a.wbx2.com/devices/\u20ac",
        "https://wdm-a.wbx2.com/devices/\ud800",
        "https://wdm-a.wbx2.com/devices/1\r\nX-Other: header",
        "no address",
        "",
    ],
)
def test_device_elsewhere_is_refused(cloud: Sandbox, url: str) -> None:
    """A device whose address may not see the token is no answer of Webex; nothing goes there."""
    cloud.fail_next("/devices", body={"url": url})
    client = CallHistoryClient(cloud.webex())

    with pytest.raises(DecodeError, match="url: expected an address of Webex") as caught:
        client.get_call_history_data()

    assert caught.value.path == "url"
    assert cloud.requests_to(HISTORY) == ()


def test_device_at_another_loopback_port_is_refused(cloud: Sandbox, elsewhere: Sandbox) -> None:
    """Another program on this machine is as foreign as another host."""
    url = elsewhere.u2c_url.replace("/u2c/", "/wdm/")
    cloud.fail_next("/devices", body={"url": url})

    with pytest.raises(DecodeError):
        CallHistoryClient(cloud.webex()).get_call_history_data()

    assert elsewhere.requests == ()


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


def entitled(*keys: object) -> dict[str, Any]:
    features = {"entitlement": [{"key": key, "val": "true"} for key in keys]}
    return {"callingBehavior": "NATIVE_WEBEX_TEAMS_CALLING", "features": features}


WEBEX, BROADWORKS = CallingBackend.WEBEX_CALLING, CallingBackend.BROADWORKS_CALLING


@pytest.mark.parametrize(
    ("said", "backend"),
    [
        (entitled("bc-sp-basic"), WEBEX),
        (entitled("bc-sp-standard"), WEBEX),
        (entitled("broadworks-connector"), BROADWORKS),
        (entitled("other", "broadworks-connector", "bc-sp-basic"), BROADWORKS),
        (entitled("bc-sp-standard", "broadworks-connector"), WEBEX),
        (entitled("other"), None),
        (entitled(), None),
        (entitled(5, None, ["bc-sp-basic"], "bc-sp-basic"), WEBEX),
        ({"callingBehavior": "NATIVE_SIP_CALL_TO_UCM"}, CallingBackend.UCM_CALLING),
        ({**entitled("bc-sp-basic"), "callingBehavior": "NATIVE_SIP_CALL_TO_UCM"}, "UCM_CALLING"),
        ({**entitled("bc-sp-basic"), "callingBehavior": "OTHER"}, None),
        ({**entitled("bc-sp-basic"), "callingBehavior": None}, None),
        ({**entitled(), "features": None}, None),
        ({**entitled(), "features": []}, None),
        ({**entitled(), "features": {"entitlement": "bc-sp-basic"}}, None),
        ({**entitled(), "features": {"entitlement": {"key": "bc-sp-basic"}}}, None),
        ({**entitled(), "features": {"entitlement": ["bc-sp-basic", None]}}, None),
        ({}, None),
    ],
)
def test_backend_is_the_devices(cloud: Sandbox, said: dict[str, Any], backend: str | None) -> None:
    """The first entitlement that names a backend decides; what is unclear is unknown."""
    url = f"{cloud.u2c_url}/devices/1"
    cloud.fail_next("/devices", method="POST", body={"url": url, **said})

    with cloud.webex() as webex, CallHistoryClient(webex) as client:
        assert webex.backend() == backend
        assert client.get_call_history_data().ok, "a history is had without knowing it"

    (request,) = cloud.requests_to(HISTORY)
    assert request.query.get("includeSharedSessions") == ("true" if backend == WEBEX else None)


def test_refreshed_device_stays_the_same(cloud: Sandbox) -> None:
    """A refresh tells Webex that the device is still there, and which version of it is known."""
    with cloud.webex() as webex:
        device = webex.refresh_device()
        assert len(cloud.requests_to("/devices", "POST")) == 1, "there was none to refresh"
        again = webex.refresh_device()
        assert again.url == device.url

        (request,) = cloud.requests_to("/devices", "PUT")
        assert request.query_string == "includeUpstreamServices=all"
        assert request.headers["If-None-Match"] == device.etag
        assert request.json == cloud.requests_to("/devices", "POST")[0].json
        assert len(cloud.devices) == 1


def test_refresh_without_a_version_asks_for_the_whole(cloud: Sandbox) -> None:
    """A device that came without an etag is refreshed without one."""
    with cloud.webex() as webex:
        url = webex.device().url
        cloud.fail_next("/devices", method="PUT", body={"url": url, "userId": "somebody"})
        fresh = webex.refresh_device()
        assert (fresh.etag, fresh.user_id) == (None, "somebody")
        assert webex.refresh_device().etag is not None

    assert "If-None-Match" not in cloud.requests_to("/devices", "PUT")[1].headers


def test_unchanged_device_is_kept(cloud: Sandbox) -> None:
    """A refresh that says 304 leaves the device as it was."""
    with cloud.webex() as webex:
        device = webex.device()
        cloud.fail_next("/devices", method="PUT", status=304)
        assert webex.refresh_device() is device


@pytest.mark.parametrize("status", [404, 410])
def test_forgotten_device_is_registered_anew(cloud: Sandbox, status: int) -> None:
    """A device that Webex does not know any more is replaced by a new one."""
    with cloud.webex() as webex:
        device = webex.device()
        cloud.fail_next("/devices", method="PUT", status=status)
        fresh = webex.refresh_device()
        assert fresh.url != device.url
        assert webex.device() is fresh


def test_refused_refresh_is_raised_and_keeps_the_device(cloud: Sandbox) -> None:
    """A refresh that Webex refuses is told with its answer; the device stays."""
    with cloud.webex() as webex:
        device = webex.device()
        cloud.fail_next("/devices", method="PUT", status=403)
        with pytest.raises(Refused) as caught:
            webex.refresh_device()
        assert caught.value.answer.status_code == 403
        assert webex.device() is device


def test_expired_device_is_not_named(
    cloud: Sandbox, client: CallHistoryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request does not say that it comes from a device that Webex has forgotten."""
    client.get_call_history_data()
    monkeypatch.setattr("callhistory._webex.registration.time.monotonic", lambda: 1e12)
    client.get_call_history_data()

    first, second = cloud.requests_to(HISTORY)
    assert "cisco-device-url" in first.headers
    assert "cisco-device-url" not in second.headers


def test_device_expires_unless_it_is_refreshed() -> None:
    """A device that a program left behind is gone after its time, and does not hinder the next."""
    now = datetime.now(UTC)
    with Sandbox(clock=lambda: now) as cloud:
        client = CallHistoryClient(cloud.webex())
        client.get_call_history_data()
        now += timedelta(seconds=1801)
        assert cloud.devices == ()
        client.close()  # Webex says 404, and that is as good

    assert len(cloud.requests_to("/devices", "DELETE")) == 1


def test_no_answer_names_the_service(cloud: Sandbox) -> None:
    """An error of the registration names its method and host."""
    cloud.fail_next("/devices", reset=True)
    with cloud.webex(max_retries=0) as webex, pytest.raises(TransportError) as caught:
        webex.device()

    assert caught.value.method == "POST"
    assert caught.value.host == cloud.u2c_url.split("/")[2]
