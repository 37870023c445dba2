"""The public API as a type checker sees it: mypy reads this file, and nothing runs it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, assert_type

import pandas
import requests

from callhistory import (
    ApiError,
    AuthenticationError,
    CallHistoryClient,
    CallHistoryError,
    Calling,
    CallingBackend,
    CallingSpecifics,
    CallRecordLink,
    CallRecordListOther,
    CallRecordSelf,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    DecodeError,
    DeleteCallHistoryRecordsResponse,
    Direction,
    Disposition,
    EndTimeSessionId,
    JanusResponseEvent,
    ListenError,
    RedirectionDetails,
    SessionType,
    Sort,
    SortBy,
    TransportError,
    UpdateMissedCallsResponse,
    UserReadSession,
    UserSession,
    Webex,
    create_call_history_client,
    from_wire,
    to_dataframe,
    to_wire,
)


def token() -> str:
    return "token"


def making_a_client(session: requests.Session) -> None:
    CallHistoryClient()
    CallHistoryClient("token", "info")
    CallHistoryClient(token, logging.getLogger("mine"))
    CallHistoryClient(webex=None, logger=None)
    webex = Webex(
        access_token=token,
        calling_backend=CallingBackend.UCM_CALLING,
        u2c_url="https://u2c.example.com",
        session=session,
        timeout=(5.0, 30),
        max_retries=2,
        allowed_domains=["example.com"],
    )
    Webex(access_token="token", calling_backend="UCM_CALLING", fedramp=True, timeout=30)
    assert_type(create_call_history_client(webex, None), CallHistoryClient)
    with Calling(webex) as calling, webex as same:
        assert_type(calling, Calling)
        assert_type(calling.call_history, CallHistoryClient)
        assert_type(same, Webex)
    CallHistoryClient(7)  # type: ignore[arg-type]
    Webex("token")  # type: ignore[call-arg]


def fetching(client: CallHistoryClient) -> None:
    with client as same:
        assert_type(same, CallHistoryClient)
    history = client.get_call_history_data(days=7, limit=50, sort=Sort.DESC, sort_by="startTime")
    client.get_call_history_data(7, 50, "asc", SortBy.START_TIME)
    client.get_call_history_data(days="7")  # type: ignore[arg-type]
    client.get_call_history_data(sort=1)  # type: ignore[arg-type]

    assert_type(history, JanusResponseEvent)
    assert_type(history.ok, bool)
    assert_type(history.status_code, int)
    assert_type(history.message, str | None)
    assert_type(history.tracking_id, str | None)
    assert_type(history.retry_after, float | None)
    assert_type(history.data.user_sessions, tuple[UserSession, ...] | None)
    assert_type(history.data.error, str | None)
    history.raise_for_status()

    assert_type(iter(history), Iterator[UserSession])
    assert_type(history[0], UserSession)
    assert_type(history[:3], tuple[UserSession, ...])
    assert_type([s for s in history if s.disposition == Disposition.MISSED], list[UserSession])
    sequence: Sequence[UserSession] = history
    assert_type(sequence.index(history[0]), int)
    assert_type(history.to_dataframe(), pandas.DataFrame)
    assert_type(to_dataframe(history), pandas.DataFrame)
    assert_type(to_dataframe(session for session in history), pandas.DataFrame)
    to_dataframe(history[0])  # type: ignore[arg-type]
    history.status_code = 200  # type: ignore[misc]


def a_session(session: UserSession) -> None:
    assert_type(session.id, str)
    assert_type(session.start_time, datetime)
    assert_type(session.disposition, Disposition | str | None)
    assert_type(session.direction, Direction | str | None)
    assert_type(session.session_type, SessionType | str | None)
    assert_type(session.duration_seconds, int | None)
    assert_type(session.is_pmr, bool | None)
    assert_type(session.correlation_ids, tuple[str, ...])
    assert_type(session.links, CallRecordLink)
    assert_type(session.self_, CallRecordSelf)
    assert_type(session.self_.ucm_line_number, int | None)
    assert_type(session.other, CallRecordListOther)
    assert_type(session.other.name, str | None)
    assert_type(session.calling_specifics, CallingSpecifics | None)
    if session.calling_specifics is not None:
        details = session.calling_specifics.redirection_details
        assert_type(details, RedirectionDetails | None)
    assert_type(session.end_time_session_id, EndTimeSessionId)
    assert_type(session.extra["isTest"], Any)
    session.is_read = True  # type: ignore[misc]
    session.extra["isTest"] = True  # type: ignore[index]
    session.self  # type: ignore[attr-defined]  # noqa: B018

    UserSession(id="1", session_id="1", start_time=datetime.now(UTC), end_time=datetime.now(UTC))
    UserSession(id="1", session_id="1")  # type: ignore[call-arg]


def writing(client: CallHistoryClient, sessions: list[UserSession]) -> None:
    pair = EndTimeSessionId("2026-03-01T09:00:00Z", "session-1")
    assert_type(pair.end_time, datetime)
    EndTimeSessionId(datetime.now(UTC), session_id="session-1")

    assert_type(client.update_missed_calls(sessions), UpdateMissedCallsResponse)
    assert_type(client.update_missed_calls([pair]).data.read_status_message, str | None)
    assert_type(client.delete_call_history_records((pair,)), DeleteCallHistoryRecordsResponse)
    client.delete_call_history_records(session for session in sessions)
    client.delete_call_history_records([{"endTime": "2026-03-01T09:00:00Z", "sessionId": "1"}])
    client.delete_call_history_records([pair, sessions[0]]).raise_for_status()
    client.update_missed_calls(pair)  # type: ignore[arg-type]
    client.update_missed_calls(["session-1"])  # type: ignore[list-item]


def events(
    recent: CallSessionEvent, viewed: CallSessionViewedEvent, deleted: CallSessionDeletedEvent
) -> None:
    assert_type(recent.data.user_sessions.user_sessions[0], UserSession)
    assert_type(recent.recovered, bool)
    assert_type(recent.timestamp, datetime | None)
    assert_type(viewed.data.user_read_sessions.user_read_sessions, tuple[UserReadSession, ...])
    assert_type(deleted.data.deleted_sessions, tuple[str, ...])


def the_wire(session: UserSession) -> None:
    assert_type(to_wire(session), dict[str, Any])
    assert_type(from_wire(UserSession, {}), UserSession)
    assert_type(from_wire(CallSessionEvent, {}).data.event_type, str | None)


def failures(client: CallHistoryClient) -> None:
    try:
        client.get_call_history_data().raise_for_status()
    except AuthenticationError as error:
        assert_type(error.status_code, int)
    except ApiError as error:
        assert_type(error.error, str)
        assert_type(error.tracking_id, str | None)
        assert_type(error.retry_after, float | None)
    except TransportError as error:
        assert_type(error.method, str)
        assert_type(error.host, str)
    except DecodeError as error:
        assert_type(error.path, str)
    except ListenError as error:
        assert_type(error.code, int | None)
        assert_type(error.reason, str)
    except CallHistoryError:
        raise
