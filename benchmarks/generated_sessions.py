"""Generated call sessions, in the form and size that Webex writes them.

No two have an id, a number or a time in common, so that nothing is read faster than in real life.
The user's own side is nearly always the same person on the same line, as in real life, too. Some
have fields and values that the documentation does not name.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

Wire = dict[str, Any]
Fields = Mapping[str, "Fields | None"]

JANUS = "https://janus-a.wbx2.com/janus/api/v1"
UCM_LINE = "5001"

_FIRST_NAMES = (
    "Ada", "Benedikt", "Chiara", "Emeka", "Freya", "Goro", "Inés", "Jonas", "Katarzyna", "Lucía",
    "Mateo", "Nadia", "Oluwaseun", "Priya", "Quentin", "Rosalind", "Søren", "Tomasz", "Ursula",
    "Valentina", "Wanjiru", "Đặng", "Zoë",
)  # fmt: skip
_LAST_NAMES = (
    "Adeyemi", "Brightwater", "Castellan", "Delacroix", "Eriksen", "Fitzgerald", "Gunnarsson",
    "Hashimoto", "Ivanov", "Jansen", "Kestrel", "Lindqvist", "Moreau", "Nakamura", "O'Halloran",
    "Peñalba", "Quispe", "Rossi", "Straße", "Tanabe", "Wiśniowski",
)  # fmt: skip
_DISPOSITIONS = ("MISSED", "Answered", "ANSWERED", "Initiated", "INITIATED", "Canceled", "REJECTED")
_REASONS = ("BUSY", "NOANSWER", "UNCONDITIONAL", "HUNTGROUP", "CALLQUEUE")
_LATEST = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)

_PARTY = ("phoneNumber", "sipUrl", "name", "isPrivate")
# The names that the documentation has, and those within them.
DOCUMENTED: Fields = {
    **dict.fromkeys(("id", "sessionId", "disposition", "startTime", "endTime", "url")),
    **dict.fromkeys(("durationSeconds", "joinedDurationSeconds", "durationSecs")),
    **dict.fromkeys(("participantCount", "isDeleted", "isRead", "isPMR", "correlationIds")),
    **dict.fromkeys(("sessionType", "direction")),
    "links": dict.fromkeys(("locusUrl", "conversationUrl", "callbackAddress")),
    "self": dict.fromkeys(("id", "name", "phoneNumber", "cucmDN", "ucmLineNumber")),
    "other": {
        **dict.fromkeys((*_PARTY, "id", "ownerId", "callbackAddress", "contact", "email")),
        **dict.fromkeys(("primaryDisplayString", "secondaryDisplayString")),
    },
    "callingSpecifics": {"redirectionDetails": dict.fromkeys((*_PARTY, "reason", "userId"))},
}


def generate(*, ucm: bool = False, seed: int = 1) -> Iterator[Wire]:
    """Yield sessions without end, the latest first."""
    random = Random(seed)
    owner = _owner(random)
    ended_at = _LATEST
    for number in itertools.count():
        ended_at -= timedelta(milliseconds=random.randrange(1_000, 900_000))
        yield _session(random, number, owner, ended_at, ucm=ucm)


def page(count: int, *, ucm: bool = False) -> bytes:
    """Return the body of a response with so many sessions."""
    sessions = list(itertools.islice(generate(ucm=ucm), count))
    return write({"statusCode": 200, "userSessions": sessions})


def envelopes(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield the ids and the texts of events, each about one session."""
    random = Random(2)
    for number, session in enumerate(itertools.islice(generate(seed=3), count), 1):
        identifier = _new_id(random)
        yield (
            identifier,
            write(
                {
                    "id": identifier,
                    "data": {
                        "eventType": "janus.user_recent_sessions",
                        "userSessions": {"userSessions": [session], "statusCode": 200},
                    },
                    "timestamp": 1_795_000_000_000 + number,
                    "trackingId": f"JANUS_{_new_id(random)}",
                    "alertType": "none",
                    "filterMessage": False,
                    "headers": {},
                    "sequenceNumber": number,
                }
            ),
        )


def write(document: Wire) -> bytes:
    """Return JSON as Webex's services write it: compact, and with names as they are."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def documented(session: Wire, fields: Fields = DOCUMENTED) -> Wire:
    """Return what the documentation names of a session, in one spelling; see :func:`spelled`."""
    return {
        name: documented(value, inner) if inner and isinstance(value, dict) else value
        for name, value in spelled(session).items()
        if name in fields
        for inner in (fields[name],)
    }


def spelled(session: Wire) -> Wire:
    """Return a session with its times and its disposition in one spelling, and without nulls."""
    return {
        name: _spelled(name, value)
        for name, value in session.items()
        if value is not None and value not in ([], {})
    }


def _spelled(name: str, value: Any) -> Any:
    if name in ("startTime", "endTime"):
        return datetime.fromisoformat(value).isoformat()
    if name == "disposition":
        return value.upper()
    return spelled(value) if isinstance(value, dict) else value


def in_one_spelling(sessions: Iterable[Wire]) -> list[Wire]:
    """Return sessions that were read in different ways so that they can be compared."""
    return [spelled(session) for session in sessions]


def _new_id(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _number(random: Random) -> str:
    return f"+1{random.randrange(2_000_000_000, 9_999_999_999)}"


def _name(random: Random) -> str:
    return f"{random.choice(_FIRST_NAMES)} {random.choice(_LAST_NAMES)}"


def _owner(random: Random) -> Wire:
    return {
        "id": _new_id(random),
        "name": "Robin Castellan",
        "phoneNumber": "+12065550100",
        "incomingCallProtocols": [],
        "callbackInfo": {"callbackAddress": "robin@example.com", "callbackType": "EMAIL"},
    }


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _session(random: Random, number: int, owner: Wire, ended_at: datetime, *, ucm: bool) -> Wire:
    identifier = _new_id(random)
    incoming = random.random() < 0.6
    disposition = random.choice(_DISPOSITIONS) if number % 97 else "VOICEMAIL"
    seconds = random.randrange(1, 3600) if disposition.upper() != "MISSED" else 0
    started_at = ended_at - timedelta(seconds=seconds, milliseconds=random.randrange(1_000, 30_000))
    internal = random.random() < 0.15
    session: Wire = {
        "id": identifier,
        "sessionId": identifier,
        "disposition": disposition,
        "startTime": _time(started_at),
        "endTime": _time(ended_at),
        "url": f"{JANUS}/history/userSessions/{identifier}",
        "durationSeconds": seconds,
        "joinedDurationSeconds": max(0, seconds - 2),
        "durationSecs": seconds,
        "participantCount": 2,
        "isDeleted": False,
        "isPMR": False,
        "correlationIds": [_new_id(random)],
        "sessionType": "SPARK" if internal else "WEBEXCALLING",
        "direction": "INCOMING" if incoming else "OUTGOING",
        "self": dict(owner),
        "other": _other(random, internal=internal),
    }
    session["links"] = {"callbackAddress": session["other"]["callbackAddress"]}
    if ucm:
        session["self"]["cucmDN"] = UCM_LINE
    if disposition == "MISSED" and random.random() < 0.5:
        session["isRead"] = True
    if internal:
        conversation = f"https://conv-a.wbx2.com/conversation/api/v1/conversations/{identifier}"
        locus = f"https://locus-a.wbx2.com/locus/api/v1/loci/{_new_id(random)}"
        session["links"] |= {"locusUrl": locus, "conversationUrl": conversation}
        session["self"]["lookUpInfo"] = {"lookupLink": conversation, "type": "CONVERSATION"}
    else:
        session["isTest"] = False
    if random.random() < 0.1:
        session["extensionPayload"] = {"callingContainerIds": [_new_id(random)]}
    if random.random() < 0.1:
        session["callingSpecifics"] = {"redirectionDetails": _redirection(random)}
    if number % 3_000 == 200:
        session["other"]["name"] = "Ada 🌻"  # which makes Python's text four times as large
    if number % 89 == 0:
        session["networkQuality"] = {"jitter": random.random(), "packetsLost": number}
    return session


def _other(random: Random, *, internal: bool) -> Wire:
    if random.random() < 0.03:
        return {"id": _new_id(random), "isPrivate": True, "callbackAddress": ""}
    name, identifier = _name(random), _new_id(random)
    side: Wire = {
        "id": identifier,
        "name": name,
        "isPrivate": False,
        "primaryDisplayString": name,
    }
    if internal:
        return side | {
            "ownerId": identifier,
            "callbackAddress": identifier,
            "email": f"{identifier[:8]}@example.com",
        }
    number = _number(random)
    return side | {
        "callbackAddress": number,
        "phoneNumber": number,
        "secondaryDisplayString": number,
        "sipUrl": f"sip:{number}@{identifier}.calls.example.net",
        "contact": _new_id(random),
    }


def _redirection(random: Random) -> Wire:
    number = _number(random)
    return {
        "phoneNumber": number,
        "sipUrl": f"sip:{number}@example.net",
        "name": _name(random),
        "reason": random.choice(_REASONS),
        "userId": _new_id(random),
        "isPrivate": False,
    }
