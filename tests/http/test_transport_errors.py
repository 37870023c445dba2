"""The error for a request that nobody answered, and what it is chained to."""

from __future__ import annotations

import ssl

import pytest
import requests

from callhistory import (
    CallHistoryClient,
    TransportError,
    Webex,
)
from callhistory._http.transport_errors import causes
from callhistory.sandbox import Sandbox
from tests.support.canned_adapter import CannedAdapter, session_with

TOKEN = "sEcReT"


def test_failure_of_the_operating_system_is_not_tried_again() -> None:
    """An adapter's plain OSError, such as a missing certificate bundle, is not retried."""
    session = requests.Session()
    session.verify = "/nowhere/bundle.pem"
    webex = Webex(access_token=TOKEN, session=session)

    with pytest.raises(TransportError, match=r"/nowhere/bundle\.pem") as caught:
        CallHistoryClient(webex).get_call_history_data()

    assert "attempts" not in str(caught.value)


@pytest.mark.parametrize(
    "handled",
    [
        FileNotFoundError(2, "No such file", "/home/robin/private"),
        requests.ReadTimeout("of another program"),
        ssl.SSLCertVerificationError(1, "of another host"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_program_was_handling_is_no_cause(
    cloud: Sandbox, client: CallHistoryClient, handled: Exception
) -> None:
    """An error that the caller is handling neither passes for the cause nor changes the retries."""
    cloud.fail_next("/catalog", reset=True, times=5)

    try:
        raise handled
    except type(handled):
        with pytest.raises(TransportError, match="after 5 attempts") as caught:
            client.get_call_history_data()

    assert isinstance(caught.value.__cause__, ConnectionResetError)
    assert len(cloud.requests) == 5
    assert handled.__context__ is None


def test_odd_failure_of_an_adapter_is_a_transport_error() -> None:
    """An error of the system whose class cannot be copied is named, and its text is not shown."""

    class OddError(OSError):
        def __init__(self, *, code: int) -> None:
            super().__init__(f"{TOKEN} {code}")

    webex = Webex(access_token=TOKEN, session=session_with(CannedAdapter(OddError(code=5))))

    with pytest.raises(TransportError, match="no answer: OddError") as caught:
        CallHistoryClient(webex).get_call_history_data()

    assert type(caught.value.__cause__) is OSError
    assert TOKEN not in str(caught.value)


def test_causes_in_a_circle_end() -> None:
    """Errors that name each other as their cause are each looked at once."""
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__context__ = second, first

    assert list(causes(first)) == [first, second]
