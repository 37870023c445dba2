"""The registration of devices."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from callhistory.sandbox import Sandbox
from tests.sandbox.http_client import DEVICE_BODY as BODY
from tests.sandbox.http_client import Http

ALL = {"includeUpstreamServices": "all"}


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock, device_limit=3, sessions=0) as running:
        yield running


def register(http: Http, **fields: object) -> dict[str, str]:
    answer = http("POST", http.devices, params=ALL, json=BODY | fields)
    assert answer.status_code == 200
    device: dict[str, str] = answer.json()
    return device


def test_registration_tells_what_a_client_needs(cloud: Sandbox, http: Http) -> None:
    """The answer has the device's addresses, its user and organization, and an etag."""
    answer = http("POST", http.devices, params=ALL, json=BODY)

    device = answer.json()
    assert device["url"].startswith(f"{http.devices}/")
    assert device["webSocketUrl"].startswith("ws://127.0.0.1:")
    assert device["userId"] == cloud.user.id
    assert device["orgId"] == cloud.access_token.split("_")[2]
    assert device.items() >= BODY.items()
    assert answer.headers["etag"]


def test_registered_devices_are_known(cloud: Sandbox, http: Http) -> None:
    """Registered devices are listed, in the sandbox and over HTTP."""
    first, second = register(http), register(http, name="second")

    assert [device.url for device in cloud.devices] == [first["url"], second["url"]]
    assert [device.name for device in cloud.devices] == ["probe", "second"]
    listed = http("GET", http.devices).json()["devices"]
    assert [device["url"] for device in listed] == [first["url"], second["url"]]
    assert http("GET", second["url"]).json()["name"] == "second"


@pytest.mark.parametrize(
    ("backend", "behavior", "deciding"),
    [
        ("WEBEX_CALLING", "NATIVE_WEBEX_TEAMS_CALLING", "bc-sp-standard"),
        ("BROADWORKS_CALLING", "NATIVE_WEBEX_TEAMS_CALLING", "broadworks-connector"),
        ("UCM_CALLING", "NATIVE_SIP_CALL_TO_UCM", None),
    ],
)
def test_device_tells_the_backend(backend: str, behavior: str, deciding: str | None) -> None:
    """The calling behaviour and the entitlements are those of the backend."""
    with Sandbox(backend=backend, sessions=0) as cloud, Http(cloud) as http:
        device = http("POST", http.devices, params=ALL, json=BODY).json()

    keys = [feature["key"] for feature in device["features"]["entitlement"]]
    marks = {"bc-sp-basic", "bc-sp-standard", "broadworks-connector"}
    assert device["callingBehavior"] == behavior
    assert [key for key in keys if key in marks] == ([deciding] if deciding else [])
    assert device["features"].keys() == {"developer", "entitlement", "user"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *itertools.product(BODY, [None, "", 5]),
        *(("ttl", value) for value in [0, -1, True, "1800", 1800.0, None, 10**12, 10**30]),
    ],
)
def test_wrong_field_is_named(cloud: Sandbox, http: Http, field: str, value: object) -> None:
    """Every field is a non-empty string, and a ttl a positive number of whole seconds."""
    registered = register(http)

    for method, url in (("POST", http.devices), ("PUT", registered["url"])):
        answer = http(method, url, params=ALL, json=BODY | {field: value})
        assert answer.status_code == 400
        assert field in answer.json()["message"]
    assert len(cloud.devices) == 1


def test_body_must_be_an_object(http: Http) -> None:
    """A list is refused as a device."""
    assert http.status("POST", http.devices, params=ALL, json=[]) == 400


def test_device_without_ttl_stays(cloud: Sandbox, http: Http, clock: Clock) -> None:
    """Without a ttl a device never expires."""
    register(http)

    clock.now += timedelta(days=1000)

    assert len(cloud.devices) == 1


def test_device_expires_by_its_ttl(cloud: Sandbox, http: Http, clock: Clock) -> None:
    """At the end of its ttl a device is gone, and a refresh finds nothing."""
    url = register(http, ttl=60)["url"]

    clock.now += timedelta(seconds=59)
    assert http.status("GET", url) == 200
    clock.now += timedelta(seconds=1)

    assert not cloud.devices
    assert http.status("GET", url) == 404
    assert http.status("PUT", url, params=ALL, json=BODY) == 404


def test_refresh_begins_the_ttl_anew(cloud: Sandbox, http: Http, clock: Clock) -> None:
    """A refreshed device lives for another ttl, without having to repeat it."""
    device = register(http, ttl=60)

    clock.now += timedelta(seconds=40)
    answer = http("PUT", device["url"], params=ALL, headers={"If-None-Match": '"old"'})
    clock.now += timedelta(seconds=40)

    assert answer.status_code == 200
    assert answer.headers["etag"]
    assert answer.json()["webSocketUrl"] == device["webSocketUrl"]
    assert len(cloud.devices) == 1


def test_refresh_with_the_current_etag_has_a_body(http: Http) -> None:
    """A refresh is answered in full even if nothing has changed."""
    answer = http("POST", http.devices, params=ALL, json=BODY)
    url, etag = answer.json()["url"], answer.headers["etag"]

    again = http("PUT", url, params=ALL, json=BODY, headers={"If-None-Match": etag})

    assert again.status_code == 200
    assert again.headers["etag"] == etag
    assert again.json()["features"] == answer.json()["features"]


def test_refresh_replaces_a_retired_websocket(cloud: Sandbox, http: Http) -> None:
    """After the websocket addresses were retired, the next refresh hands out another, once."""
    device = register(http)

    cloud.retire_websockets()
    second = http("PUT", device["url"], params=ALL, json=BODY).json()["webSocketUrl"]
    third = http("PUT", device["url"], params=ALL, json=BODY).json()["webSocketUrl"]

    assert second == third != device["webSocketUrl"]
    assert cloud.devices[0].web_socket_url == second


def test_refresh_takes_back_what_it_sent(cloud: Sandbox, http: Http) -> None:
    """A client may send back the whole device; fields that are not its own do not change."""
    device = register(http)

    sent = device | {"name": "renamed", "callingBehavior": "mine", "webSocketUrl": "ws://mine"}
    told = http("PUT", device["url"], params=ALL, json=sent).json()

    assert told["name"] == "renamed"
    assert told["callingBehavior"] == device["callingBehavior"]
    assert told["webSocketUrl"] == device["webSocketUrl"]


def test_deleted_device_is_gone(cloud: Sandbox, http: Http) -> None:
    """A deletion has no body, and a second one finds nothing."""
    url = register(http)["url"]

    assert http.status("DELETE", url) == 204
    assert not cloud.devices
    assert http.status("DELETE", url) == 404
    assert http.status("PUT", url, json=BODY) == 404


def test_too_many_devices_are_refused(cloud: Sandbox, http: Http, clock: Clock) -> None:
    """A device beyond the limit is refused until another one is gone."""
    url = register(http)["url"]
    register(http, ttl=60)
    register(http)

    refused = http("POST", http.devices, params=ALL, json=BODY)
    assert refused.status_code == 403
    assert refused.json()["message"] == "User has excessive device registrations"

    http("DELETE", url)
    register(http)
    assert http.status("POST", http.devices, params=ALL, json=BODY) == 403
    clock.now += timedelta(seconds=60)
    register(http)
    assert len(cloud.devices) == 3


def test_users_have_their_own_devices(cloud: Sandbox, http: Http) -> None:
    """Nobody sees, refreshes or deletes the device of another user."""
    url = register(http)["url"]
    with Http(cloud, cloud.add_user("Wilma Berg")) as stranger:
        assert stranger("GET", http.devices).json() == {"devices": []}
        assert stranger.status("PUT", url, json=BODY) == 404
        assert stranger.status("DELETE", url) == 404

    assert len(cloud.devices) == 1
