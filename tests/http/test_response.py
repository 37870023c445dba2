"""TODO."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from callhistory import CallHistoryClient, TransportError, Webex
from callhistory._http.response import words_for
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"
TRACKING_ID = re.compile(r"(callhistory_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([0-9]+)")
TOKEN = "sEcReT"
Call = Callable[[CallHistoryClient], Any]
PAIR = {"endTime": "2026-01-31T09:30:00.000Z", "sessionId": "session"}
CALLS = [
    pytest.param(lambda client: client.get_call_history_data(), HISTORY, id="fetch"),
    pytest.param(lambda client: client.update_missed_calls([PAIR]), "/setReadState", id="mark"),
    pytest.param(
        lambda client: client.delete_call_history_records([PAIR]), "/markAsDeleted", id="delete"
    ),
]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "400 Bad request"),
        (401, "User is unauthorised, possible token expiry"),
        (403, "User request is forbidden"),
        (404, "User info not found"),
        (408, "Request to the server timedout"),
        (500, "Internal server error occurred"),
        (501, "Method is not implemented at the backend"),
        (503, "Unable to establish a connection with the server"),
        (302, "302 Exception has occurred"),
        (418, "418 Exception has occurred"),
        (599, "599 Exception has occurred"),
    ],
)
def test_words_for_a_status(status: int, words: str) -> None:
    """Each status that is no success has the words of the Webex documentation."""
    assert words_for(status) == words


def answered(status: int, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
    return response


class Canned(BaseAdapter):
    """An adapter that speaks no HTTP."""

    def __init__(self, *outcomes: requests.Response | Exception) -> None:
        super().__init__()
        self.outcomes = list(outcomes)

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        raise AssertionError("it is the caller's to close")


def canned(status: int, body: bytes) -> requests.Response:
    response = answered(status)
    response.raw = BytesIO(body)
    return response


def test_odd_failure_of_an_adapter_is_a_transport_error() -> None:
    """An error of the system of a class that cannot be copied is told by its name."""

    class OddError(OSError):
        def __init__(self, *, code: int) -> None:
            super().__init__(f"{TOKEN} {code}")

    session = requests.Session()
    session.mount("https://", Canned(OddError(code=5)))
    webex = Webex(access_token=TOKEN, session=session)

    with pytest.raises(TransportError, match="no answer: OddError") as caught:
        CallHistoryClient(webex).get_call_history_data()

    assert type(caught.value.__cause__) is OSError
    assert TOKEN not in str(caught.value)


def test_failure_of_the_operating_system_is_not_tried_again() -> None:
    """An adapter's plain OSError, such as a missing certificate bundle, is told as it is."""
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
