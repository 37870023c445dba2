"""What the three calls return: ok, truth, raise_for_status, and the sequence of sessions."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import attrs
import pytest

from callhistory import (
    ApiError,
    AuthenticationError,
    DeleteCallHistoryRecordsResponse,
    DeleteStatusData,
    HistoryData,
    JanusResponseEvent,
    ReadStatusData,
    UpdateMissedCallsResponse,
    UserSession,
)
from tests.records.samples import history, session

Response: TypeAlias = (
    JanusResponseEvent | UpdateMissedCallsResponse | DeleteCallHistoryRecordsResponse
)

# The protocol's table of words.
WORDS = {
    400: "400 Bad request",
    401: "User is unauthorised, possible token expiry",
    403: "User request is forbidden",
    404: "User info not found",
    408: "Request to the server timedout",
    500: "Internal server error occurred",
    501: "Method is not implemented at the backend",
    503: "Unable to establish a connection with the server",
    418: "418 Exception has occurred",
    302: "302 Exception has occurred",
    199: "199 Exception has occurred",
}
SESSIONS = (
    session(id="1", isRead=False),
    session(id="2", isRead=None),
    session(id="3", isRead=True),
    session(id="4", isRead=False, disposition="Answered"),
)


def responses(status: int, error: str | None = None, **envelope: Any) -> list[Response]:
    envelope |= {"status_code": status, "message": "FAILURE" if error else "SUCCESS"}
    return [
        JanusResponseEvent(data=HistoryData(error=error), **envelope),
        UpdateMissedCallsResponse(data=ReadStatusData(error=error), **envelope),
        DeleteCallHistoryRecordsResponse(data=DeleteStatusData(error=error), **envelope),
    ]


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_a_success_is_ok(status: int) -> None:
    """Any 2xx is ok and true, and raise_for_status does nothing."""
    for response in responses(status):
        assert response.ok
        assert bool(response)
        response.raise_for_status()


@pytest.mark.parametrize(("status", "words"), WORDS.items())
def test_a_failure_says_so(status: int, words: str) -> None:
    """Any other status is neither ok nor true, and raise_for_status says the words for it.

    So it does where a response was made without words.
    """
    envelope: dict[str, Any] = {"tracking_id": "callhistory_7", "retry_after": 120.0, "reason": "r"}
    for response in responses(status, words, **envelope) + responses(status, **envelope):
        assert not response.ok
        assert not response
        with pytest.raises(ApiError) as raised:
            response.raise_for_status()

        assert type(raised.value) is (AuthenticationError if status == 401 else ApiError)
        assert vars(raised.value) == envelope | {"status_code": status, "error": words}


@pytest.mark.parametrize(
    "use",
    [
        iter,
        len,
        lambda page: list(reversed(page)),
        lambda page: page[0],
        lambda page: page[5:],
        lambda page: None in page,
        lambda page: page.index(SESSIONS[0]),
    ],
)
@pytest.mark.parametrize("status", [401, 500])
def test_a_failed_history_cannot_pass_for_an_empty_one(
    use: Callable[[JanusResponseEvent], object], status: int
) -> None:
    """Iterating over a failed history, indexing, searching or measuring it raises its error."""
    failed = JanusResponseEvent(
        status_code=status,
        data=HistoryData(error=WORDS[status]),
        message="FAILURE",
        tracking_id="callhistory_7",
        retry_after=3.0,
    )
    with pytest.raises(ApiError) as expected:
        failed.raise_for_status()

    with pytest.raises(ApiError) as raised:
        use(failed)

    assert type(raised.value) is type(expected.value)
    assert vars(raised.value) == vars(expected.value)


def test_a_history_is_a_sequence_of_its_sessions() -> None:
    """A history can be used like the tuple of its sessions."""
    page = history(*SESSIONS)

    assert isinstance(page, Sequence)
    assert tuple(page) == SESSIONS
    assert len(page) == 4
    assert page[0] is SESSIONS[0]
    assert page[-1] is SESSIONS[3]
    assert page[1:3] == SESSIONS[1:3]
    assert page[::-1] == SESSIONS[::-1]
    assert tuple(reversed(page)) == SESSIONS[::-1]
    assert SESSIONS[2] in page
    assert attrs.evolve(SESSIONS[2], id="other") not in page
    assert page.index(SESSIONS[2]) == 2
    assert page.count(SESSIONS[2]) == 1
    with pytest.raises(IndexError):
        page[4]


@pytest.mark.parametrize("sessions", [(), None])
def test_an_empty_success_is_true(sessions: tuple[UserSession, ...] | None) -> None:
    """An empty history is true, has no sessions, and raises nothing."""
    page = JanusResponseEvent(status_code=200, data=HistoryData(user_sessions=sessions))

    assert page
    assert len(page) == 0
    assert list(page) == []
    assert page[:] == ()


@pytest.mark.parametrize(
    ("response", "shown"),
    [
        (
            history(*SESSIONS),
            "<JanusResponseEvent 200 SUCCESS: 4 sessions, 3 missed, 2 of them unread>",
        ),
        (history(), "<JanusResponseEvent 200 SUCCESS: 0 sessions, 0 missed, 0 of them unread>"),
        (
            responses(500, WORDS[500])[0],
            "<JanusResponseEvent 500 FAILURE: error='Internal server error occurred'>",
        ),
    ],
)
def test_a_history_shows_counts_in_one_line(response: JanusResponseEvent, shown: str) -> None:
    """The repr of a history is one line with counts, or with the error of a failed one."""
    assert repr(response) == shown


def test_what_came_in_headers_does_not_make_a_response_another() -> None:
    """Responses with the same content are equal and hash alike, whatever their tracking id."""
    for one, other in zip(
        responses(500, WORDS[500], tracking_id="callhistory_1", retry_after=1.0),
        responses(500, WORDS[500], tracking_id="callhistory_2"),
        strict=True,
    ):
        assert one == other
        assert hash(one) == hash(other)
    assert history(SESSIONS[0]) != history(SESSIONS[1])


def test_a_response_survives_being_pickled_and_copied() -> None:
    """A response comes out of a pickle or a copy with everything that it had."""
    for response in [*responses(401, WORDS[401], tracking_id="callhistory_1"), history(*SESSIONS)]:
        for copied in (
            pickle.loads(pickle.dumps(response)),
            copy.copy(response),
            copy.deepcopy(response),
        ):
            assert copied == response
            assert copied.tracking_id == response.tracking_id
