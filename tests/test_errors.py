"""The errors: their attributes, their texts, their tree, and that they can be pickled."""

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

# What an ApiError holds when nothing more is known.
API = {"tracking_id": None, "retry_after": None, "reason": None}
ERRORS: list[tuple[CallHistoryError, str, dict[str, object]]] = [
    (
        ApiError(500, "Internal server error occurred"),
        "500: Internal server error occurred",
        API | {"status_code": 500, "error": "Internal server error occurred"},
    ),
    (
        ApiError(429, "429 Exception has occurred", tracking_id="callhistory_1", retry_after=90.0),
        "429: 429 Exception has occurred, retry after 90 s (tracking id callhistory_1)",
        API
        | {
            "status_code": 429,
            "error": "429 Exception has occurred",
            "tracking_id": "callhistory_1",
            "retry_after": 90.0,
        },
    ),
    (
        AuthenticationError(
            401, "User is unauthorised, possible token expiry", reason="400 invalid_grant"
        ),
        "401: User is unauthorised, possible token expiry; the token was not refreshed: "
        "400 invalid_grant",
        API
        | {
            "status_code": 401,
            "error": "User is unauthorised, possible token expiry",
            "reason": "400 invalid_grant",
        },
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
def test_an_error_can_be_pickled_and_copied(
    error: CallHistoryError, text: str, attributes: dict[str, object]
) -> None:
    """A copy has the class, text and attributes of the error, by every protocol of pickle."""
    pickles = [pickle.dumps(error, n) for n in range(pickle.HIGHEST_PROTOCOL + 1)]
    for copied in (*map(pickle.loads, pickles), copy.copy(error), copy.deepcopy(error)):
        assert type(copied) is type(error)
        assert (str(copied), repr(copied)) == (text, repr(error))
        assert vars(copied) == attributes


def test_a_note_survives_being_pickled() -> None:
    """A note that a program adds with ``add_note`` is pickled with the error."""
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
