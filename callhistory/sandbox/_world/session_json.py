"""A call, and the JSON of its session as Janus writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import attrs

from callhistory._records.timestamps import write_time
from callhistory.sandbox._world.addresses import JANUS, Addresses
from callhistory.sandbox._world.people import Person

Wire = dict[str, Any]

_SURROGATE = re.compile("[\ud800-\udfff]")


def new_id(rng: Random) -> str:
    """Return an id that depends on the seed only."""
    return str(UUID(int=rng.getrandbits(128), version=4))


@attrs.frozen(kw_only=True)
class Call:
    """What happened in a call.

    Attributes:
        owner: whose history it is recorded in.
        party: the other person; ``None`` for a private caller.
        started_at: when the phone began to ring.
        ended_at: when it was over.
        duration_seconds: the seconds between answering and hanging up.
        participants: the number of people in the call.
        cucm_dn: the directory number that was called, on UCM.
        redirection: who redirected it and why, in wire form.
    """

    owner: Person
    party: Person | None
    disposition: str
    direction: str
    session_type: str
    started_at: datetime
    ended_at: datetime
    duration_seconds: int = 0
    participants: int = 2
    cucm_dn: str | None = None
    redirection: Wire | None = None


def write_session(call: Call, rng: Random, addresses: Addresses) -> Wire:
    """Return a call as a session of its owner's history."""
    session_id = new_id(rng)
    conversation = addresses.http(f"/conversation/api/v1/conversations/{new_id(rng)}")
    session: Wire = {
        "id": session_id,
        "sessionId": session_id,
        "disposition": call.disposition,
        "startTime": write_time(_whole_milliseconds(call.started_at)),
        "endTime": write_time(_whole_milliseconds(call.ended_at)),
        "url": addresses.http(f"{JANUS}/history/userSessions/{session_id}"),
        "durationSeconds": call.duration_seconds,
        "joinedDurationSeconds": call.duration_seconds,
        "durationSecs": call.duration_seconds,
        "participantCount": call.participants,
        "isDeleted": False,
        "isPMR": False,
        "correlationIds": [new_id(rng)],
        "sessionType": call.session_type,
        "direction": call.direction,
        "self": _self(call),
        "other": _other(call, new_id=lambda: new_id(rng)),
        "links": {},
    }
    session["links"]["callbackAddress"] = session["other"]["callbackAddress"]
    if call.session_type == "SPARK":
        locus = addresses.http(f"/locus/api/v1/loci/{new_id(rng)}")
        session["links"] |= {"locusUrl": locus, "conversationUrl": conversation}
        session["self"]["lookUpInfo"] = {"lookupLink": conversation, "type": "CONVERSATION"}
    else:
        session["isTest"] = False
    if call.redirection is not None:
        session["callingSpecifics"] = {"redirectionDetails": call.redirection}
    return session


def written(session: Wire) -> str:
    """Return the JSON text of a session.

    Raises:
        ValueError: it holds a value that is not JSON.
    """
    try:
        return json.dumps(session, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"wire: must be JSON: {error}") from None


def write_json(value: object) -> str:
    """Return JSON that keeps names readable; only a lone surrogate, which UTF-8 lacks, escapes."""
    text = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if _SURROGATE.search(text) else text


def overlay(session: Wire, changes: Mapping[str, Any]) -> Wire:
    """Return a session with some fields replaced; where both values are objects, merge them."""
    merged = dict(session)
    for name, value in changes.items():
        before = merged.get(name)
        if isinstance(before, dict) and isinstance(value, Mapping):
            merged[name] = overlay(before, value)
        else:
            merged[name] = value
    return merged


def _whole_milliseconds(moment: datetime) -> datetime:
    return moment - timedelta(microseconds=moment.microsecond % 1000)


def _self(call: Call) -> Wire:
    owner = call.owner
    side: Wire = {
        "id": owner.id,
        "name": owner.name,
        "phoneNumber": owner.phone_number,
        "incomingCallProtocols": [],
        "callbackInfo": {"callbackAddress": owner.email, "callbackType": "EMAIL"},
    }
    if call.cucm_dn is not None:
        side["cucmDN"] = call.cucm_dn
    return side


def _other(call: Call, new_id: Callable[[], str]) -> Wire:
    party = call.party
    if party is None:
        return {"id": new_id(), "isPrivate": True, "callbackAddress": ""}
    side: Wire = {
        "id": party.id,
        "name": party.name,
        "isPrivate": False,
        "primaryDisplayString": party.name,
    }
    if call.session_type == "SPARK":
        return side | {
            "ownerId": party.id,
            "callbackAddress": party.id,
            **({"email": party.email} if party.email else {}),
        }
    return side | {
        "callbackAddress": party.phone_number,
        "phoneNumber": party.phone_number,
        "secondaryDisplayString": party.phone_number,
        "sipUrl": f"sip:{party.phone_number}@{'example.com' if party.email else 'example.net'}",
        **({"email": party.email} if party.email else {"contact": new_id()}),
    }
