"""Failures of listen(): which are errors at once, which are retried, what is raised in the end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from callhistory import (
    ApiError,
    AuthenticationError,
    CallHistoryClient,
    CallHistoryError,
    ListenError,
    TokenRefusedError,
    TransportError,
)
from callhistory.sandbox import Sandbox
from tests.support.error_contents import shown_by
from tests.support.listening_clients import failure_of_listen, library_threads, listening
from tests.support.waiting import wait_until

Fault = Callable[[Sandbox], None]


# --- permanent ---


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/catalog", "GET", 401), ("/catalog", "GET", 404), ("/devices", "POST", 403)],
)
def test_refused_catalog_or_device_is_an_error_at_once(
    cloud: Sandbox, client: CallHistoryClient, path: str, method: str, status: int
) -> None:
    """When Webex refuses the catalog or the device, listen() raises that, and asks only once."""
    cloud.fail_next(path, method=method, status=status, times=10)

    error = failure_of_listen(client)

    assert type(error) is (AuthenticationError if status == 401 else ApiError)
    assert isinstance(error, ApiError)
    assert error.status_code == status
    assert error.tracking_id is not None
    assert len(cloud.requests_to(path, method)) == 1
    cloud.clear_faults()
    client.listen()
    assert client.listening


def test_too_many_devices_are_an_error_at_once() -> None:
    """When the user has too many devices, listen() raises that, and does not ask again."""
    with Sandbox(device_limit=1) as small, listening(small):
        with CallHistoryClient(small.webex()) as second:
            error = failure_of_listen(second)

        assert len(small.requests_to("/devices", "POST")) == 2
    assert type(error) is ApiError
    assert error.status_code == 403


@pytest.mark.parametrize("code", [4000, 4403])
def test_refused_authorization_is_an_error_at_once(
    cloud: Sandbox, client: CallHistoryClient, code: int
) -> None:
    """When Webex closes the connection for good, listen() raises its code and reason."""
    cloud.fail_authorizations(code, "no", times=10)

    error = failure_of_listen(client)

    assert type(error) is ListenError
    assert (error.code, error.reason) == (code, "no")
    assert len(cloud.attempts) == 1


@pytest.mark.parametrize("refuse", ["authorization", "upgrade"])
def test_refused_token_is_an_error_at_once(
    cloud: Sandbox, client: CallHistoryClient, refuse: str
) -> None:
    """A token that is refused, and has no successor, is an error of both kinds."""
    if refuse == "upgrade":
        cloud.fail_upgrades(status=401, times=10)
    else:
        cloud.fail_authorizations(times=10)

    error = failure_of_listen(client)

    assert isinstance(error, TokenRefusedError)
    assert isinstance(error, AuthenticationError)
    assert isinstance(error, ListenError)
    assert (error.status_code, error.code) == (401, 401 if refuse == "upgrade" else 4401)
    assert len(cloud.attempts) == 1


def test_no_token_is_an_error_at_once(cloud: Sandbox) -> None:
    """A function for the token that gives none is an AuthenticationError, and nothing is sent."""
    with CallHistoryClient(cloud.webex(access_token=lambda: "")) as client:
        assert type(failure_of_listen(client)) is AuthenticationError
    assert not cloud.requests


@pytest.mark.parametrize("path", ["/catalog", "/devices"])
def test_malformed_answer_is_an_error_at_once(
    cloud: Sandbox, client: CallHistoryClient, path: str
) -> None:
    """A malformed catalog or device is a ListenError that says where."""
    cloud.fail_next(path, body={"url": 5, "serviceLinks": 5}, times=10)

    error = failure_of_listen(client)

    assert type(error) is ListenError
    assert "cannot be read" in error.reason
    assert "found an integer" in error.reason
    assert len(cloud.requests_to(path)) == 1


# --- passing ---

PASSING: dict[str, Fault] = {
    # More often than a request is repeated by itself.
    "catalog 503": lambda cloud: cloud.fail_next("/catalog", status=503, times=7),
    "catalog 500": lambda cloud: cloud.fail_next("/catalog", status=500, times=2),
    "catalog reset": lambda cloud: cloud.fail_next("/catalog", reset=True, times=7),
    "device 503": lambda cloud: cloud.fail_next("/devices", method="POST", status=503, times=7),
    "upgrade 503": lambda cloud: cloud.fail_upgrades(status=503, times=3),
    "upgrade 404": lambda cloud: cloud.fail_upgrades(status=404, times=3),
    "upgrade reset": lambda cloud: cloud.fail_upgrades(reset=True, times=3),
    "dropped at once": lambda cloud: cloud.drop_at_once(after="upgrade", times=3),
    "overloaded": lambda cloud: cloud.fail_authorizations(1011, times=3),
}


@pytest.mark.parametrize("fault", PASSING)
def test_passing_failure_is_retried(cloud: Sandbox, client: CallHistoryClient, fault: str) -> None:
    """A failure that may pass is retried within the timeout."""
    PASSING[fault](cloud)

    client.listen()

    assert client.listening
    assert len(cloud.attempts) == (1 if fault.startswith(("catalog", "device")) else 4)


def test_refused_connection_is_tried_again(cloud: Sandbox, client: CallHistoryClient) -> None:
    """A Webex that cannot be reached at first is reached when it is there."""
    cloud.close()
    with ThreadPoolExecutor(1) as pool:
        listen = pool.submit(client.listen)
        assert wait_until(lambda: library_threads() or listen.done())
        cloud.start()
        listen.result()

    assert client.listening


LASTING: dict[str, tuple[Fault, type[CallHistoryError], int | None]] = {
    "catalog": (lambda cloud: cloud.fail_next("/catalog", status=503, times=10_000), ApiError, 503),
    "upgrade": (lambda cloud: cloud.fail_upgrades(status=503, times=10_000), ListenError, 503),
    "close": (lambda cloud: cloud.drop_at_once(after="upgrade", code=1013), ListenError, 1013),
    "drop": (lambda cloud: cloud.drop_at_once(after="upgrade"), ListenError, None),
    "nobody": (lambda cloud: cloud.close(), TransportError, None),
}


@pytest.mark.parametrize("fault", LASTING)
def test_failure_that_does_not_pass_is_the_error(
    cloud: Sandbox, client: CallHistoryClient, fault: str
) -> None:
    """The failure that has not passed in time is what listen() raises."""
    cause, kind, code = LASTING[fault]
    cause(cloud)

    error = failure_of_listen(client, timeout=0.3)

    assert type(error) is kind
    assert getattr(error, "code", getattr(error, "status_code", None)) == code
    cloud.clear_faults()
    cloud.start()
    client.listen()
    assert client.listening


def test_token_function_that_always_fails_is_named(cloud: Sandbox) -> None:
    """It is called again until the time is up; the error names the type of its exception."""
    failures: list[BaseException] = [OSError("sEcReT"), SystemExit(1), KeyError("sEcReT")]

    def source() -> str:
        raise failures.pop() if len(failures) > 1 else failures[0]

    with CallHistoryClient(cloud.webex(access_token=source)) as client:
        error = failure_of_listen(client, timeout=0.2)

    assert len(failures) == 1
    assert str(error) == "no token or device: OSError"
    assert "sEcReT" not in shown_by(error)
