"""The user's side of Webex: catalog and device, fetched once; what a Webex is made from."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses

from callhistory import CallHistoryClient, CallHistoryError, CallingBackend, TransportError, Webex
from callhistory._concurrency import Once
from callhistory._http.response import Refused
from callhistory._webex.catalog import COMMERCIAL_U2C, GOVERNMENT_U2C
from callhistory.sandbox import Sandbox
from tests.support.waiting import wait_until

HISTORY = "/history/userSessions"
TOKEN = "sEcReT"


# --- making one ---


def test_making_one_sends_nothing(cloud: Sandbox) -> None:
    """A Webex and a client of it are made without a request, and closed without one."""
    with cloud.webex() as webex, CallHistoryClient(webex):
        pass

    assert cloud.requests == ()


@pytest.mark.parametrize(
    ("options", "variable", "url"),
    [
        ({}, None, COMMERCIAL_U2C),
        ({"fedramp": True}, None, GOVERNMENT_U2C),
        ({}, " \n", COMMERCIAL_U2C),
        ({}, "https://u2c-a.wbx2.com/u2c/api/v1", "https://u2c-a.wbx2.com/u2c/api/v1"),
        ({}, " https://u2c-a.wbx2.com/u2c/api/v1/\n", "https://u2c-a.wbx2.com/u2c/api/v1"),
        (
            {"u2c_url": "https://u2c-b.wbx2.com/"},
            "https://u2c-a.wbx2.com",
            "https://u2c-b.wbx2.com",
        ),
        (
            {"u2c_url": "https://u2c-b.wbx2.com", "fedramp": True},
            None,
            "https://u2c-b.wbx2.com",
        ),
    ],
)
def test_catalog_is_where_it_is_said_to_be(
    strict: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    variable: str | None,
    url: str,
) -> None:
    """The argument wins over the environment, and that over Webex's own clouds."""
    if variable is not None:
        monkeypatch.setenv("U2C_SERVICE_URL", variable)
    strict.get(f"{url}/catalog?format=hostmap", status=404)

    webex = Webex(access_token=TOKEN, **options)

    assert CallHistoryClient(webex).get_call_history_data().status_code == 404
    assert repr(webex) == f"<Webex at {url}>"


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"u2c_url": 5}, TypeError, "u2c_url: expected a text, not int"),
        ({"u2c_url": ""}, ValueError, "u2c_url: ''"),
        ({"calling_backend": "SIP"}, ValueError, "calling_backend: expected one of 'WEBEX_CALL"),
        ({"calling_backend": 5}, TypeError, "calling_backend: expected one of"),
        ({"timeout": 0}, ValueError, "timeout: expected more than 0 seconds, not 0"),
        ({"timeout": -1}, ValueError, "timeout: expected more than 0 seconds, not -1"),
        ({"timeout": float("nan")}, ValueError, "timeout: .* not nan"),
        ({"timeout": float("inf")}, ValueError, "timeout: .* not inf"),
        ({"timeout": (5, 0)}, ValueError, r"timeout: .* not \(5, 0\)"),
        ({"timeout": (5,)}, ValueError, r"timeout: .* not \(5,\)"),
        ({"timeout": (1, 2, 3)}, ValueError, r"timeout: .* not \(1, 2, 3\)"),
        ({"timeout": "5"}, TypeError, "timeout: .* not '5'"),
        ({"timeout": True}, TypeError, "timeout: .* not True"),
        ({"timeout": (5, None)}, TypeError, r"timeout: .* not \(5, None\)"),
        ({"timeout": None}, TypeError, "timeout: .* not None"),
        ({"max_retries": -1}, ValueError, "max_retries: expected at least 0, not -1"),
        ({"max_retries": 1.5}, TypeError, "max_retries: expected a whole number, not 1.5"),
        ({"allowed_domains": [5]}, ValueError, "allowed_domains: 5 is no domain"),
        (
            {"allowed_domains": 5},
            TypeError,
            "allowed_domains: expected several domains, not one int",
        ),
        ({"allowed_domains": None}, TypeError, "allowed_domains: expected several domains"),
        ({"u2c_url": "https://a.wbx2.com/u2c?x=1"}, ValueError, "has a query"),
        ({"u2c_url": "https://a.wbx2.com/u2c#x"}, ValueError, "has a query"),
    ],
)
def test_wrong_argument_is_named(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """An argument that makes no sense is refused when the Webex is made, by its name."""
    with pytest.raises(error, match=text):
        Webex(access_token=TOKEN, **options)


def test_arguments_go_by_name() -> None:
    """A Webex takes no positional argument: nobody has to guess which is the token."""
    with pytest.raises(TypeError):
        Webex(TOKEN)  # type: ignore[call-arg] # that is the point


# --- once ---


def test_threads_share_one_catalog_and_one_device(cloud: Sandbox) -> None:
    """Eight threads with a fresh client make one catalog request and register one device."""
    client = CallHistoryClient(cloud.webex())
    start = threading.Barrier(8)

    def ask(_: int) -> bool:
        start.wait(10)
        return client.get_call_history_data().ok

    # They are slow enough for all threads to be there.
    cloud.fail_next("/catalog", delay=0.2)
    cloud.fail_next("/devices", delay=0.2)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))

    (device,) = cloud.devices
    assert len(cloud.requests_to("/catalog")) == 1
    assert len(cloud.requests_to("/devices", "POST")) == 1
    assert len(cloud.requests_to(HISTORY)) == 8

    client.close()
    (deletion,) = cloud.requests_to("/devices", "DELETE")
    assert device.url.endswith(deletion.path)
    assert cloud.devices == ()


def test_close_deletes_no_other_device(cloud: Sandbox) -> None:
    """Of several devices of a user each client deletes its own."""
    others = [CallHistoryClient(cloud.webex()) for _ in range(2)]
    for other in others:
        other.get_call_history_data()
    before = cloud.devices
    client = CallHistoryClient(cloud.webex())
    client.get_call_history_data()
    assert len(cloud.devices) == 3

    client.close()

    assert cloud.devices == before
    for other in others:
        other.close()


@pytest.mark.parametrize("service", ["/catalog", "/devices"])
@pytest.mark.parametrize(
    "fault", [{"status": 404}, {"reset": True}, {"body": b"<html>"}], ids=["no", "reset", "html"]
)
def test_failed_bootstrap_is_not_remembered(
    cloud: Sandbox, service: str, fault: dict[str, Any]
) -> None:
    """What could not be had is asked for again by the next call, and only that."""
    with cloud.webex(max_retries=0) as webex, CallHistoryClient(webex) as client:
        cloud.fail_next(service, **fault)
        if "status" in fault:
            assert not client.get_call_history_data()
        else:
            with pytest.raises(CallHistoryError):
                client.get_call_history_data()
        assert client.get_call_history_data().ok
        assert client.get_call_history_data().ok

    method = "GET" if service == "/catalog" else "POST"
    assert len(cloud.requests_to(service, method)) == 2
    other = ("/devices", "POST") if service == "/catalog" else ("/catalog", "GET")
    assert len(cloud.requests_to(*other)) == 1


def test_interrupted_bootstrap_is_somebody_elses(cloud: Sandbox) -> None:
    """When the thread that fetches is interrupted, a thread that waits takes its place."""
    once: Once[str] = Once()
    fetching, waiting = threading.Event(), threading.Event()
    values = []

    def interrupted() -> str:
        fetching.set()
        assert waiting.wait(10)
        raise KeyboardInterrupt

    def first() -> None:
        with pytest.raises(KeyboardInterrupt):
            once.get(interrupted)

    def second() -> None:
        values.append(once.get(lambda: "value"))

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert fetching.wait(10)
    assert once.peek() is None
    threads[1].start()
    assert wait_until(lambda: once._flight is not None and once._flight._condition._waiters)  # type: ignore[attr-defined] # the second one waits
    waiting.set()
    for thread in threads:
        thread.join(10)

    assert values == ["value"]
    assert once.peek() == "value"


def test_value_that_is_taken_meanwhile_is_told() -> None:
    """A value that comes when it has been given up is handed over, and not kept."""
    once: Once[str] = Once()
    late: list[str] = []

    def fetch() -> str:
        assert once.take() is None
        return "value"

    assert once.get(fetch, late.append) == "value"
    assert late == ["value"]
    assert once.peek() is None
    assert once.get(fetch) == "value"
    assert once.peek() is None


def test_value_is_replaced_only_if_it_is_still_there() -> None:
    """Replacing a value that somebody else has replaced changes nothing."""
    once: Once[str] = Once()
    once.get(lambda: "first")

    once.replace("second", "third")
    assert once.peek() == "first"
    once.replace("first", "second")
    assert once.peek() == "second"
    once.replace("second", None)
    assert once.peek() is None
    assert once.take() is None


# --- the device ---


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


@pytest.mark.parametrize("backend", ["WEBEX_CALLING", "broadworks_calling", WEBEX, BROADWORKS])
def test_given_backend_needs_no_device(cloud: Sandbox, backend: str) -> None:
    """With calling_backend the three calls register no device, and close() deletes none."""
    with cloud.webex(calling_backend=backend) as webex, CallHistoryClient(webex) as client:
        history = client.get_call_history_data()
        assert client.update_missed_calls(history[:1]).ok
        assert client.delete_call_history_records(history[:1]).ok

    assert cloud.requests_to("/devices") == ()
    assert {request.headers.get("cisco-device-url") for request in cloud.requests} == {None}
    shared = cloud.requests_to(HISTORY, "GET")[0].query.get("includeSharedSessions")
    assert shared == ("true" if backend.upper() == "WEBEX_CALLING" else None)


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


# --- addresses of the catalog ---


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_slashes_at_the_end_of_a_link_do_not_count(
    strict: responses.RequestsMock, slashes: str
) -> None:
    """A service link may end in a slash: two of them in a row would be another address."""
    links = {"janus": f"https://janus-a.wbx2.com/janus/api/v1{slashes}"}
    strict.get(f"{COMMERCIAL_U2C}/catalog?format=hostmap", json={"serviceLinks": links})
    strict.get(
        re.compile(r"https://janus-a\.wbx2\.com/janus/api/v1/history/userSessions\?.*"),
        json={"userSessions": []},
    )
    webex = Webex(access_token=TOKEN, u2c_url=COMMERCIAL_U2C + slashes, calling_backend=BROADWORKS)

    assert CallHistoryClient(webex).get_call_history_data().ok


def test_host_catalog_is_not_needed(strict: responses.RequestsMock) -> None:
    """A catalog of links that are no texts, or without hosts, serves for the rest."""
    links = {"janus": "https://janus-a.wbx2.com", "wdm": None, "hydra": 5}
    strict.get(
        f"{COMMERCIAL_U2C}/catalog?format=hostmap",
        json={"serviceLinks": links, "hostCatalog": {"not a host": [], "[": []}},
    )
    strict.get(f"https://janus-a.wbx2.com{HISTORY}", json={"userSessions": []})
    webex = Webex(access_token=TOKEN, calling_backend=BROADWORKS)

    assert CallHistoryClient(webex).get_call_history_data().ok


# --- its end ---


def test_closed_webex_refuses(cloud: Sandbox) -> None:
    """A closed Webex serves neither its clients nor new ones, with the same words."""
    webex = cloud.webex()
    client = CallHistoryClient(webex)
    client.get_call_history_data()
    webex.close()
    cloud.forget_requests()

    for use in (client.get_call_history_data, lambda: CallHistoryClient(webex), webex.device):
        with pytest.raises(RuntimeError, match="this Webex is closed"):
            use()
    client.close()
    webex.close()

    assert cloud.requests == ()


def test_close_of_a_webex_deletes_the_device(cloud: Sandbox) -> None:
    """A Webex that is closed under its clients deletes the device, once."""
    with cloud.webex() as webex:
        clients = [CallHistoryClient(webex) for _ in range(2)]
        for client in clients:
            client.get_call_history_data()

    for client in clients:
        client.close()
    assert len(cloud.requests_to("/devices", "DELETE")) == 1
    assert cloud.devices == ()


def test_no_answer_names_the_service(cloud: Sandbox) -> None:
    """An error of the registration names its method and host."""
    cloud.fail_next("/devices", reset=True)
    with cloud.webex(max_retries=0) as webex, pytest.raises(TransportError) as caught:
        webex.device()

    assert caught.value.method == "POST"
    assert caught.value.host == cloud.u2c_url.split("/")[2]
