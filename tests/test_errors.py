"""The errors: what they hold, what they say, and that they survive being pickled."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from callhistory import (
    ApiError,
    AuthenticationError,
    CallHistoryError,
    DecodeError,
    ListenError,
    TokenRefusedError,
    TransportError,
)

ERRORS: list[tuple[CallHistoryError, str, dict[str, object]]] = [
    (
        ApiError(500, "Internal server error occurred"),
        "500: Internal server error occurred",
        {
            "status_code": 500,
            "error": "Internal server error occurred",
            "tracking_id": None,
            "retry_after": None,
            "reason": None,
        },
    ),
    (
        ApiError(429, "429 Exception has occurred", tracking_id="callhistory_1", retry_after=90.0),
        "429: 429 Exception has occurred, retry after 90 s (tracking id callhistory_1)",
        {
            "status_code": 429,
            "error": "429 Exception has occurred",
            "tracking_id": "callhistory_1",
            "retry_after": 90.0,
            "reason": None,
        },
    ),
    (
        AuthenticationError(401, "User is unauthorised, possible token expiry", retry_after=0.5),
        "401: User is unauthorised, possible token expiry, retry after 0.5 s",
        {
            "status_code": 401,
            "error": "User is unauthorised, possible token expiry",
            "tracking_id": None,
            "retry_after": 0.5,
            "reason": None,
        },
    ),
    (
        AuthenticationError(
            401, "User is unauthorised, possible token expiry", reason="400 invalid_grant"
        ),
        "401: User is unauthorised, possible token expiry; the token was not refreshed: "
        "400 invalid_grant",
        {
            "status_code": 401,
            "error": "User is unauthorised, possible token expiry",
            "tracking_id": None,
            "retry_after": None,
            "reason": "400 invalid_grant",
        },
    ),
    (
        TransportError("GET", "janus.example.com:8443", "timed out"),
        "GET janus.example.com:8443: timed out",
        {"method": "GET", "host": "janus.example.com:8443", "tracking_id": None},
    ),
    (
        TransportError("POST", "janus.example.com", "refused", tracking_id="callhistory_2"),
        "POST janus.example.com: refused (tracking id callhistory_2)",
        {"method": "POST", "host": "janus.example.com", "tracking_id": "callhistory_2"},
    ),
    (
        DecodeError("userSessions[3].startTime", "an ISO 8601 time with an offset", "null"),
        "userSessions[3].startTime: expected an ISO 8601 time with an offset, found null",
        {
            "path": "userSessions[3].startTime",
            "expected": "an ISO 8601 time with an offset",
            "found": "null",
        },
    ),
    (ListenError(4403, "forbidden"), "4403: forbidden", {"code": 4403, "reason": "forbidden"}),
    (ListenError(None, "closed"), "closed", {"code": None, "reason": "closed"}),
    (
        TokenRefusedError(4401, "token expired"),
        "401: token expired",
        {
            "code": 4401,
            "reason": "token expired",
            "status_code": 401,
            "error": "token expired",
            "tracking_id": None,
            "retry_after": None,
        },
    ),
]
cases = pytest.mark.parametrize(("error", "text", "attributes"), ERRORS)


@cases
def test_an_error_says_what_it_holds(
    error: CallHistoryError, text: str, attributes: dict[str, object]
) -> None:
    """Each error has its documented attributes, no others, and a text made from them."""
    assert str(error) == text
    assert vars(error) == attributes


@cases
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_being_pickled(
    error: CallHistoryError, text: str, attributes: dict[str, object], protocol: int
) -> None:
    """Each error comes out of a pickle with its class, text and attributes."""
    copied = pickle.loads(pickle.dumps(error, protocol))

    assert type(copied) is type(error)
    assert str(copied) == text
    assert repr(copied) == repr(error)
    assert vars(copied) == attributes


@cases
def test_an_error_can_be_copied(
    error: CallHistoryError, text: str, attributes: dict[str, object]
) -> None:
    """Each error can be copied, shallowly and deeply."""
    for copied in (copy.copy(error), copy.deepcopy(error)):
        assert type(copied) is type(error)
        assert (str(copied), vars(copied)) == (text, attributes)


def test_a_note_survives_being_pickled() -> None:
    """What a program adds to an error with ``add_note`` comes out of a pickle with it."""
    error = ListenError(4404, "gone")
    error.add_note("while the CRM was starting")

    assert pickle.loads(pickle.dumps(error)).__notes__ == ["while the CRM was starting"]


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (ApiError, (CallHistoryError,)),
        (AuthenticationError, (ApiError,)),
        (TransportError, (CallHistoryError,)),
        (DecodeError, (CallHistoryError,)),
        (ListenError, (CallHistoryError,)),
        (TokenRefusedError, (AuthenticationError, ListenError)),
        (CallHistoryError, (Exception,)),
    ],
)
def test_the_errors_are_a_tree(error: type[Exception], bases: tuple[type[Exception], ...]) -> None:
    """Each error has the bases that the documentation draws, and no others."""
    assert error.__bases__ == bases


def test_every_error_is_among_those_that_are_pickled_here() -> None:
    """The cases of this file hold every error that the library defines, but for the base."""
    module = inspect.getmodule(CallHistoryError)
    defined = {
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, CallHistoryError)
    }

    assert {type(error) for error, _, _ in ERRORS} == defined - {CallHistoryError}
