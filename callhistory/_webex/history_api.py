"""The three requests to Janus, Webex's call history service, and what becomes of their answers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from .._errors import CallHistoryError, DecodeError
from .._http.response import Answer, Refused, words_for
from .._http.session import Transport
from .._records.base import Extra
from .._records.decode import read_sessions
from .._records.enums import CallingBackend, Sort
from .._records.responses import (
    FAILURE,
    SUCCESS,
    DeleteCallHistoryRecordsResponse,
    DeleteStatusData,
    HistoryData,
    JanusResponseEvent,
    ReadStatusData,
    UpdateMissedCallsResponse,
)
from .._records.sessions import UserSession
from .._records.strict_json import json_type, read_json, type_at
from .._records.surprises import note_unnamed
from .._records.timestamps import whole_ms, write_time
from .account import Webex
from .ucm_lines import number_lines

P = ParamSpec("P")
R = TypeVar("R")

_SESSIONS = "/history/userSessions"
READ = "Missed calls are read by the user."
DELETED = "Call history records are deleted by the user."
NOTHING_TO_DO = "No sessions were given: nothing to do."


def _without_frames(call: Callable[P, R]) -> Callable[P, R]:
    """Take the frames off an error of a call: their variables are the answer, and whose it is."""

    @functools.wraps(call)
    def without_frames(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except CallHistoryError as error:
            problem = error.with_traceback(None)
        del args, kwargs
        raise problem

    return without_frames


@_without_frames
def fetch(
    webex: Webex,
    transport: Transport,
    *,
    since: datetime,
    limit: int,
    sort: Sort,
    read: Callable[[list[Any]], tuple[UserSession, ...]] = read_sessions,
) -> JanusResponseEvent:
    """Fetch a page of the history, sorted by end time; ``read`` reads its sessions."""
    try:
        backend = webex.backend(transport)
        params = {
            "from": write_time(whole_ms(since)),
            "limit": str(limit),
            "includeNewSessionTypes": "true",
            "sort": sort.value,
        }
        if backend == CallingBackend.WEBEX_CALLING:
            params["includeSharedSessions"] = "true"
        answer = webex.request("GET", "janus", _SESSIONS, params=params, transport=transport)
    except Refused as refused:
        answer = refused.answer
    status, document = _verdict(answer)
    if document is None:
        data = HistoryData(error=words_for(status))
    else:
        found = document.get("userSessions")
        if not isinstance(found, list):
            raise DecodeError("userSessions", "an array", type_at(document, "userSessions"))
        del document["userSessions"]
        if backend == CallingBackend.UCM_CALLING:
            number_lines(webex, found, transport)
        for name, value in document.items():
            note_unnamed("answer", name, value)
        data = HistoryData(user_sessions=read(found), extra=Extra(document))
    return JanusResponseEvent(data=data, **_envelope(answer, status))


@_without_frames
def set_read_state(
    webex: Webex, transport: Transport, pairs: list[dict[str, Any]]
) -> UpdateMissedCallsResponse:
    """Mark sessions read."""
    answer = _write(webex, transport, "/setReadState", {"endTimeSessionIds": pairs})
    status, document = _verdict(answer, may_be_empty=True)
    if document is None:
        data = ReadStatusData(error=words_for(status))
    else:
        data = ReadStatusData(read_status_message=READ, extra=Extra(document))
    return UpdateMissedCallsResponse(data=data, **_envelope(answer, status))


@_without_frames
def mark_as_deleted(
    webex: Webex, transport: Transport, pairs: list[dict[str, Any]]
) -> DeleteCallHistoryRecordsResponse:
    """Delete sessions."""
    answer = _write(webex, transport, "/markAsDeleted", {"deleteSessionIds": pairs})
    status, document = _verdict(answer, may_be_empty=True)
    if document is None:
        data = DeleteStatusData(error=words_for(status))
    else:
        data = DeleteStatusData(delete_status_message=DELETED, extra=Extra(document))
    return DeleteCallHistoryRecordsResponse(data=data, **_envelope(answer, status))


def _write(webex: Webex, transport: Transport, path: str, body: dict[str, Any]) -> Answer:
    try:
        webex.backend(
            transport
        )  # as Webex's own client does: a request comes from a registered device
        return webex.request("POST", "janus", _SESSIONS + path, body=body, transport=transport)
    except Refused as refused:
        return refused.answer


def _verdict(answer: Answer, *, may_be_empty: bool = False) -> tuple[int, dict[str, Any] | None]:
    """Judge an answer: its status, and what it says if that is a success."""
    if not answer.ok:
        return answer.status_code, None
    if may_be_empty and not answer.body.strip():
        return answer.status_code, {}
    document = read_json(answer.body)
    if not isinstance(document, dict):
        raise DecodeError("$", "an object", json_type(document))
    said = document.get("statusCode")
    if type(said) is not int or not 100 <= said <= 599:
        return answer.status_code, document
    del document["statusCode"]
    return said, document if 200 <= said <= 299 else None


def _envelope(answer: Answer, status: int) -> dict[str, Any]:
    return {
        "status_code": status,
        "message": SUCCESS if 200 <= status <= 299 else FAILURE,
        "tracking_id": answer.tracking_id,
        "retry_after": None if 200 <= status <= 299 else answer.retry_after,
        "reason": answer.reason,
    }
