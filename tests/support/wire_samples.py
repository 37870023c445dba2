"""Sessions and events as Webex writes them, with every documented field."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import attrs
import requests

import callhistory
from callhistory.sandbox import Sandbox

Wire = dict[str, Any]

# Every class that from_wire() reads.
CLASSES: tuple[type[Any], ...] = tuple(
    value
    for name in callhistory.__all__
    if isinstance(value := getattr(callhistory, name), type)
    and attrs.has(value)
    and value is not callhistory.TokenGrant
)
# Those that can carry what the model does not name.
RECORDS = tuple(cls for cls in CLASSES if "extra" in attrs.fields_dict(cls))


def a_session(**changes: Any) -> Wire:
    """Return a session with every documented field; changes are by wire name."""
    return {
        "id": "8b2f6c1e-0d4a-4c57-9a55-000000000001",
        "sessionId": "8b2f6c1e-0d4a-4c57-9a55-000000000002",
        "disposition": "MISSED",
        "startTime": "2026-03-01T08:59:30.125Z",
        "endTime": "2026-03-01T09:00:00.250Z",
        "url": "https://janus.example.com/history/userSessions/1",
        "durationSeconds": 30,
        "joinedDurationSeconds": 28,
        "durationSecs": 29,
        "participantCount": 2,
        "isDeleted": False,
        "isRead": True,
        "isPMR": False,
        "correlationIds": ["correlation-1", "correlation-2"],
        "sessionType": "WEBEXCALLING",
        "direction": "INCOMING",
        "links": {
            "locusUrl": "https://locus.example.com/1",
            "conversationUrl": "https://conversation.example.com/1",
            "callbackAddress": "sip:ada@example.com",
        },
        "self": {
            "id": "user-1",
            "name": "Robin",
            "phoneNumber": "+12065550101",
            "cucmDN": "5001",
            "ucmLineNumber": 2,
        },
        "other": {
            "ownerId": "owner-1",
            "id": "user-2",
            "name": "Ada",
            "sipUrl": "sip:ada@example.com",
            "primaryDisplayString": "Ada O.",
            "secondaryDisplayString": "+1 206 555 0102",
            "isPrivate": False,
            "callbackAddress": "+12065550103",
            "phoneNumber": "+12065550102",
            "contact": "contact-1",
            "email": "ada@example.com",
        },
        "callingSpecifics": {
            "redirectionDetails": {
                "phoneNumber": "+12065550104",
                "sipUrl": "sip:desk@example.com",
                "name": "Front desk",
                "reason": "busy",
                "userId": "user-3",
                "isPrivate": True,
            }
        },
    } | changes


def a_bare_session(**changes: Any) -> Wire:
    """Return a session with the essential fields only; changes are by wire name."""
    return {
        "id": "session-1",
        "startTime": "2026-03-01T08:59:30.125Z",
        "endTime": "2026-03-01T09:00:00.250Z",
    } | changes


def wire_form(cls: type[Any]) -> Wire:
    """Return a sample of a class in wire form, with every documented field."""
    session = a_session()
    envelope = {"id": "envelope-1", "timestamp": 1772355600250, "trackingId": "janus_1"}
    data: dict[str, Wire] = {
        "UserSessions": {"userSessions": [session, a_session(id="3")], "statusCode": 200},
        "UserReadSession": {"sessionId": "session-1"},
        "UserReadSessions": {"userReadSessions": [{"sessionId": "session-1"}], "statusCode": 200},
        "HistoryData": {"userSessions": [session], "error": "500"},
        "ReadStatusData": {"readStatusMessage": "read", "error": "500"},
        "DeleteStatusData": {"deleteStatusMessage": "deleted", "error": "500"},
    }
    data["CallSessionData"] = {
        "eventType": "janus.user_recent_sessions",
        "userSessions": data["UserSessions"],
    }
    data["CallSessionViewedData"] = {
        "eventType": "janus.user_viewed_sessions",
        "userReadSessions": data["UserReadSessions"],
    }
    data["CallSessionDeletedData"] = {
        "eventType": "janus.user_sessions_deleted",
        "deletedSessions": ["session-1", "session-2"],
    }
    answer = {"statusCode": 200, "message": "SUCCESS"}
    forms = data | {
        "UserSession": session,
        "CallRecordLink": session["links"],
        "CallRecordSelf": session["self"],
        "CallRecordListOther": session["other"],
        "CallingSpecifics": session["callingSpecifics"],
        "RedirectionDetails": session["callingSpecifics"]["redirectionDetails"],
        "EndTimeSessionId": {"endTime": session["endTime"], "sessionId": session["sessionId"]},
        "CallSessionEvent": envelope | {"data": data["CallSessionData"]},
        "CallSessionViewedEvent": envelope | {"data": data["CallSessionViewedData"]},
        "CallSessionDeletedEvent": envelope | {"data": data["CallSessionDeletedData"]},
        "JanusResponseEvent": answer | {"data": data["HistoryData"]},
        "UpdateMissedCallsResponse": answer | {"data": data["ReadStatusData"]},
        "DeleteCallHistoryRecordsResponse": answer | {"data": data["DeleteStatusData"]},
    }
    copied: Wire = json.loads(json.dumps(forms[cls.__name__]))
    return copied


def sandbox_page(backend: str = "WEBEX_CALLING") -> list[Wire]:
    """Return the sessions that a sandbox starts with, in wire form."""
    page: list[Wire] = json.loads(_sandbox_answer(backend))["userSessions"]
    return page


@cache
def _sandbox_answer(backend: str) -> bytes:
    with Sandbox(backend=backend, sessions=60) as cloud:
        token = {"Authorization": f"Bearer {cloud.access_token}"}
        catalog = requests.get(f"{cloud.u2c_url}/catalog?format=hostmap", headers=token, timeout=10)
        history = f"{catalog.json()['serviceLinks']['janus']}/history/userSessions"
        asked = "from=2000-01-01T00:00:00.000Z&limit=60&sort=DESC"
        more = "includeNewSessionTypes=true&includeSharedSessions=true"
        return requests.get(f"{history}?{asked}&{more}", headers=token, timeout=10).content
