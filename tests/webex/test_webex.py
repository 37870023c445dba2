"""A Webex: what it is made from, and how it ends."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from callhistory import (
    CallHistoryClient,
    TransportError,
    Webex,
)
from callhistory.sandbox import Sandbox
from tests.support.error_contents import failure_of
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
    ("options", "error", "text"),
    [
        ({"u2c_url": 5}, TypeError, "u2c_url: expected a string, not int"),
        ({"u2c_url": ""}, ValueError, "u2c_url: ''"),
        ({"calling_backend": "SIP"}, ValueError, "calling_backend: expected one of 'WEBEX_CALL"),
        ({"calling_backend": 5}, TypeError, "calling_backend: expected one of"),
        ({"timeout": 0}, ValueError, "timeout: expected more than 0 seconds, not 0"),
        ({"timeout": float("nan")}, ValueError, "timeout: .* not nan"),
        ({"timeout": float("inf")}, ValueError, "timeout: .* not inf"),
        ({"timeout": (5, 0)}, ValueError, r"timeout: .* not \(5, 0\)"),
        ({"timeout": (5,)}, ValueError, r"timeout: .* not \(5,\)"),
        ({"timeout": "5"}, TypeError, "timeout: .* not '5'"),
        ({"timeout": True}, TypeError, "timeout: .* not True"),
        ({"timeout": (5, None)}, TypeError, r"timeout: .* not \(5, None\)"),
        ({"max_retries": -1}, ValueError, "max_retries: expected at least 0, not -1"),
        ({"max_retries": 1.5}, TypeError, "max_retries: expected a whole number, not 1.5"),
        ({"allowed_domains": [5]}, ValueError, "allowed_domains: 5 is not a domain"),
        ({"allowed_domains": 5}, TypeError, "allowed_domains: .* several domains, not one int"),
        ({"allowed_domains": "a.example"}, TypeError, "allowed_domains"),
        ({"u2c_url": "https://a.wbx2.com/u2c?x=1"}, ValueError, "has a query"),
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


# --- its end ---


def test_closed_webex_refuses(cloud: Sandbox) -> None:
    """A closed Webex serves neither its clients nor new ones, with the same words."""
    webex = cloud.webex()
    client = CallHistoryClient(webex)
    client.get_call_history_data()
    webex.close()
    cloud.forget_requests()

    for use in (client.get_call_history_data, lambda: CallHistoryClient(webex)):
        with pytest.raises(RuntimeError, match="this Webex is closed"):
            use()
    client.close()
    webex.close()

    assert cloud.requests == ()


def test_webex_can_be_used_while_a_closed_client_still_asks(cloud: Sandbox) -> None:
    """A client that joins while another's catalog request is broken off makes its own."""
    cloud.fail_next("/catalog", delay=20)
    with cloud.webex(max_retries=0) as webex:
        first = CallHistoryClient(webex)
        with ThreadPoolExecutor(2) as pool:
            broken_off = pool.submit(first.get_call_history_data)
            cloud.wait_for_requests("/catalog")
            second = CallHistoryClient(webex)
            waiting = pool.submit(second.get_call_history_data)
            assert wait_until(lambda: waiting.running())
            first.close()
            assert waiting.result(10).ok
            assert isinstance(broken_off.exception(5), TransportError)
        second.close()


def test_closing_a_webex_ends_the_calls_of_its_clients(cloud: Sandbox) -> None:
    """Webex.close() ends what its open clients wait for, and deletes their device, once."""
    webex = cloud.webex()
    client = CallHistoryClient(webex)
    client.get_call_history_data()
    cloud.fail_next(HISTORY, delay=20)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.get_call_history_data)
        cloud.wait_for_requests(HISTORY, count=2)
        webex.close()
        assert isinstance(call.exception(5), TransportError)
    assert isinstance(failure_of(client.get_call_history_data), RuntimeError)
    assert cloud.devices == ()
    client.close()
    assert len(cloud.requests_to("/devices", "DELETE")) == 1


def test_closing_a_copy_closes_once(cloud: Sandbox) -> None:
    """A client that was copied counts once: the device goes with the last of the others."""
    with cloud.webex() as webex, CallHistoryClient(webex) as other:
        client = CallHistoryClient(webex)
        doubled = copy.copy(client)
        client.close()
        doubled.close()
        assert other.get_call_history_data().ok
        assert len(cloud.devices) == 1
    assert not cloud.devices
