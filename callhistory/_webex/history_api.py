"""The three requests to Janus, Webex's call history service."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import DecodeError
from .._records.base import Extra
from .._records.enums import CallingBackend, Sort, SortBy
from .._records.json_types import json_type, type_at
from .._records.responses import (
    SUCCESS,
    DeleteCallHistoryRecordsResponse,
    DeleteStatusData,
    HistoryData,
    JanusResponseEvent,
    ReadStatusData,
    UpdateMissedCallsResponse,
)
from .._records.sessions import UserSession
from .._records.strict_json import read_json
from .._records.timestamps import whole_ms, write_time

if TYPE_CHECKING:
    from .._http.response import Response
    from .._http.session import Session
    from .account import Account

_SESSIONS = "/history/userSessions"
READ = "Missed calls are read by the user."
DELETED = "Call history records are deleted by the user."
NOTHING_TO_DO = "No sessions were given: nothing to do."


class FetchedPage(NamedTuple):
    """A page of the history.

    Attributes:
        status_code: the HTTP status, or the ``statusCode`` of the body if that differs.
        tracking_id: the id that Webex support asks for.
        sessions: the sessions that could be read.
        problems: an error for each other session.
        extra: what the body has besides them.
    """

    status_code: int
    tracking_id: str | None
    sessions: tuple[UserSession, ...]
    problems: tuple[DecodeError, ...]
    extra: dict[str, Any]


def fetch_page(
    account: Account, http: Session, *, since: datetime, limit: int, sort: Sort
) -> FetchedPage:
    """Return a page of the history, chosen and sorted by end time.

    Args:
        account: the owner of the history.
        http: sends the requests.
        since: the earliest end time of a session.
        limit: the most sessions to return.
        sort: which sessions, and in which order.

    Raises:
        ApiError: Webex refused this request, or one for the catalog or the device.
        CallHistoryError: there was no response, or not one that Webex sends.
    """
    # At first use: the readers take a while to import.
    from .._records.page import read_page
    from .._records.undocumented_fields import note_unnamed
    from .ucm_lines import UcmLines

    backend, headers = account.origin(http)
    janus = account.catalog(http).link("janus")
    params = {
        "from": write_time(whole_ms(since)),
        "limit": str(limit),
        "includeNewSessionTypes": "true",
        "sort": sort.value,
    }
    if backend == CallingBackend.WEBEX_CALLING:
        params["includeSharedSessions"] = "true"
    response = http.request("GET", janus + _SESSIONS, params=params, headers=headers)
    response.raise_for_status()
    lines = UcmLines(account, http)

    def line_number(directory_number: str, document: dict[str, Any]) -> int | None:
        status = _status_in(document)
        return None if status and status > 299 else lines.number(directory_number)

    on_ucm = backend == CallingBackend.UCM_CALLING
    page = read_page(response.body, line_number if on_ucm else None)
    status = _take_status(response, page.document)
    if page.sessions is None:
        raise DecodeError("userSessions", "an array", type_at(page.document, "userSessions"))
    for name, value in page.document.items():
        note_unnamed("answer", name, value)
    return FetchedPage(
        status_code=status,
        tracking_id=response.tracking_id,
        sessions=page.sessions,
        problems=page.problems,
        extra=page.document,
    )


def fetch(
    account: Account,
    http: Session,
    *,
    since: datetime,
    limit: int,
    sort: Sort,
    sort_by: SortBy = SortBy.END_TIME,
) -> JanusResponseEvent:
    """Return a page of the history as the response of a call; see :func:`fetch_page`.

    Args:
        account: the owner of the history.
        http: sends the requests.
        since: the earliest end time of a session.
        limit: the most sessions to return.
        sort: which sessions, and in which order.
        sort_by: the time to order the page by. Janus always chooses the page by end time.

    Raises:
        ApiError: Webex refused this request, or one for the catalog or the device.
        CallHistoryError: there was no response, or not one that Webex sends; or a session cannot
            be read.
    """
    page = fetch_page(account, http, since=since, limit=limit, sort=sort)
    if page.problems:
        raise page.problems[0]
    sessions = page.sessions
    if sort_by is SortBy.START_TIME:
        descending = sort is Sort.DESC
        sessions = tuple(sorted(sessions, key=lambda s: s.start_time, reverse=descending))
    return JanusResponseEvent(
        status_code=page.status_code,
        message=SUCCESS,
        tracking_id=page.tracking_id,
        data=HistoryData(user_sessions=sessions, extra=Extra(page.extra)),
    )


def set_read_state(
    account: Account, http: Session, pairs: list[dict[str, Any]]
) -> UpdateMissedCallsResponse:
    """Mark sessions read; raises as :func:`fetch`.

    Args:
        account: the owner of the sessions.
        http: sends the requests.
        pairs: the end time and id of each, as on the wire; if there are none, nothing is sent.
    """
    if not pairs:
        data = ReadStatusData(read_status_message=NOTHING_TO_DO)
        return UpdateMissedCallsResponse(status_code=200, message=SUCCESS, data=data)
    response = _write(account, http, "/setReadState", {"endTimeSessionIds": pairs})
    status, document = _read(response)
    return UpdateMissedCallsResponse(
        status_code=status,
        message=SUCCESS,
        tracking_id=response.tracking_id,
        data=ReadStatusData(read_status_message=READ, extra=Extra(document)),
    )


def mark_as_deleted(
    account: Account, http: Session, pairs: list[dict[str, Any]]
) -> DeleteCallHistoryRecordsResponse:
    """Delete sessions; arguments and errors are those of :func:`set_read_state`."""
    if not pairs:
        data = DeleteStatusData(delete_status_message=NOTHING_TO_DO)
        return DeleteCallHistoryRecordsResponse(status_code=200, message=SUCCESS, data=data)
    response = _write(account, http, "/markAsDeleted", {"deleteSessionIds": pairs})
    status, document = _read(response)
    return DeleteCallHistoryRecordsResponse(
        status_code=status,
        message=SUCCESS,
        tracking_id=response.tracking_id,
        data=DeleteStatusData(delete_status_message=DELETED, extra=Extra(document)),
    )


def _write(account: Account, http: Session, path: str, body: dict[str, Any]) -> Response:
    _, headers = account.origin(http)  # registers the device first, as Webex's own client does
    janus = account.catalog(http).link("janus")
    return http.request("POST", janus + _SESSIONS + path, body=body, headers=headers)


def _read(response: Response) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of a success, which may be empty; raises as a write."""
    response.raise_for_status()
    if not response.body.strip():
        return response.status_code, {}
    document = read_json(response.body)
    return _take_status(response, document), document


def _take_status(response: Response, document: Any) -> int:
    """Return the status of a success, which the body may have: then remove it from there.

    Raises:
        ApiError: the status in the body is a failure.
        DecodeError: the body is not an object.
    """
    if not isinstance(document, dict):
        raise DecodeError("$", "an object", json_type(document))
    status = _status_in(document)
    if status is None:
        return response.status_code
    del document["statusCode"]
    if not 200 <= status <= 299:
        raise response.refusal(status)
    return status


def _status_in(document: dict[str, Any]) -> int | None:
    """Return the status in the JSON of a response; ``None`` if it has none."""
    status = document.get("statusCode")
    return status if type(status) is int and 100 <= status <= 599 else None
