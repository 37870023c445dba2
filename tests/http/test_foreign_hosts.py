"""A host that is none of Webex's, wherever Webex names it: not one byte arrives there."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from callhistory import (
    ApiError,
    CallHistoryClient,
    DecodeError,
    ListenError,
    TransportError,
    Webex,
)
from callhistory._webex.catalog import COMMERCIAL_U2C
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import failure_of_listen

HISTORY = "/history/userSessions"
PAIR = {"endTime": "2026-01-31T09:30:00.000Z", "sessionId": "session"}
REDIRECTS = [301, 302, 303, 307, 308]
TOKEN = "sEcReT"

CALLS: dict[str, Callable[[CallHistoryClient], Any]] = {
    HISTORY: lambda client: client.get_call_history_data(),
    "/setReadState": lambda client: client.update_missed_calls([PAIR]),
    "/markAsDeleted": lambda client: client.delete_call_history_records([PAIR]),
    "/catalog": lambda client: client.get_call_history_data(),
    "/devices": lambda client: client.get_call_history_data(),
}


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Return a host and port that no catalog names; the test fails if anybody connects to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(BlockingIOError):
            server.accept()


# --- redirects ---


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("path", CALLS)
def test_redirected_request_does_not_arrive(
    used_cloud: Sandbox, elsewhere: str, path: str, status: int
) -> None:
    """No request is redirected there, whatever it is for; the redirect is the answer."""
    for scheme in ("http", "https"):
        location = f"{scheme}://{elsewhere}{path}"
        used_cloud.fail_next(path, status=status, headers={"Location": location})
        with CallHistoryClient(used_cloud.webex()) as client:
            answered = CALLS[path](client)
        assert (answered.status_code, answered.message) == (status, "FAILURE")
        assert answered.data.error == f"{status} Exception has occurred"
    assert len(used_cloud.requests_to(path)) == 2


@pytest.mark.parametrize("status", REDIRECTS)
def test_redirected_goodbye_and_refresh_do_not_arrive(
    used_cloud: Sandbox, elsewhere: str, status: int
) -> None:
    """Neither the refresh of a device nor its deletion is redirected there."""
    headers = {"Location": f"http://{elsewhere}/devices/1"}
    used_cloud.fail_next("/devices/", method="PUT", status=status, headers=headers)
    used_cloud.fail_next("/devices/", method="DELETE", status=status, headers=headers)

    with used_cloud.webex() as webex, CallHistoryClient(webex) as client:
        assert client.get_call_history_data().ok
        with pytest.raises(ApiError) as caught:
            webex._account.refresh_device(client._http)

    assert caught.value.status_code == status
    assert [r.method for r in used_cloud.requests_to("/devices/")] == ["PUT", "DELETE"]


# --- the device ---


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_device_there_is_refused(cloud: Sandbox, elsewhere: str, scheme: str) -> None:
    """A device with its address there is no answer of Webex, for a call or for listen()."""
    device = {"url": f"{scheme}://{elsewhere}/devices/1"}
    cloud.fail_next("/devices", method="POST", body=device, times=2)

    with CallHistoryClient(cloud.webex()) as client:
        with pytest.raises(DecodeError, match="url: expected an address of Webex"):
            client.get_call_history_data()
        error = failure_of_listen(client)

    assert type(error) is ListenError
    assert "url: expected an address of Webex" in error.reason


def test_refreshed_device_there_is_refused(cloud: Sandbox, elsewhere: str) -> None:
    """A device that a refresh moves there stays where it was, and is deleted there."""
    moved = {"url": f"http://{elsewhere}/devices/1"}
    cloud.fail_next("/devices/", method="PUT", body=moved)

    with cloud.webex() as webex, CallHistoryClient(webex) as client:
        account, session = webex._account, client._http
        device = account.device(session)
        with pytest.raises(DecodeError, match="url: expected an address of Webex"):
            account.refresh_device(session)
        assert account.device(session) == device

    assert cloud.devices == ()


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_websocket_there_is_refused(
    cloud: Sandbox, client: CallHistoryClient, elsewhere: str, scheme: str
) -> None:
    """Live events that are to come from there are refused, before anything is sent."""
    address = f"{scheme}://{elsewhere}/messages"
    device = {"url": f"{cloud.u2c_url}/devices/1", "webSocketUrl": address}
    cloud.fail_next("/devices", method="POST", body=device)

    error = failure_of_listen(client)

    assert type(error) is ListenError
    assert "not one of Webex's hosts" in error.reason
    assert cloud.attempts == ()


# --- a catalog without TLS ---


@pytest.mark.parametrize("service", ["janus", "wdm"])
@pytest.mark.parametrize("path", [HISTORY, "/setReadState", "/markAsDeleted"])
def test_service_without_tls_is_named(
    strict: responses.RequestsMock, service: str, path: str
) -> None:
    """A service that the catalog puts at a plain-http address is not asked, and the error says why.

    It names the host of the service, and that it is not protected by TLS.
    """
    links = {"janus": "https://janus-a.wbx2.com/api", "wdm": "https://wdm-a.wbx2.com/api"}
    links[service] = f"http://{service}.example.com:8080/api"
    strict.get(f"{COMMERCIAL_U2C}/catalog?format=hostmap", json={"serviceLinks": links})
    backend = "WEBEX_CALLING" if service == "janus" else None
    webex = Webex(access_token=TOKEN, calling_backend=backend)

    with webex, CallHistoryClient(webex) as client, pytest.raises(TransportError) as caught:
        CALLS[path](client)

    asked = "GET" if (service, path) == ("janus", HISTORY) else "POST"
    assert str(caught.value) == (
        f"{asked} {service}.example.com:8080: not sent: is not protected by TLS"
    )
    assert len(strict.calls) == 1


def test_listening_without_tls_is_refused_in_the_same_words(strict: responses.RequestsMock) -> None:
    """A listener does not register at a plain-http address either."""
    links = {"wdm": "http://wdm.example.com/api"}
    catalog = re.compile(re.escape(f"{COMMERCIAL_U2C}/catalog"))
    strict.get(catalog, json={"serviceLinks": links})

    with CallHistoryClient(TOKEN) as client:
        error = failure_of_listen(client, 0.5)

    assert str(error) == "POST wdm.example.com: not sent: is not protected by TLS"
    assert len(strict.calls) == 1
