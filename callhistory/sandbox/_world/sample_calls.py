"""The sample calls that a sandbox starts with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import attrs

from callhistory.sandbox._world.addresses import Addresses
from callhistory.sandbox._world.people import Person
from callhistory.sandbox._world.session_json import Call, Wire, write_session
from callhistory.sandbox._world.ucm_phones import DIRECTORY_NUMBERS, UNLISTED_NUMBER
from callhistory.sandbox._world.workdays import is_away, ring_times, some_more_than_others

_SPAN = timedelta(days=6)


@attrs.frozen
class _Sample:
    """A kind of call; every one appears once before any appears twice."""

    disposition: str
    direction: str
    session_type: str
    seconds: tuple[int, int] = (0, 0)
    colleague: bool = False
    private: bool = False
    is_read: bool = False
    is_test: bool = False
    redirected: str | None = None
    without: tuple[tuple[str, str], ...] = ()


_NO_CALLBACK = (("other", "callbackAddress"),)
_NO_ADDRESSES = (
    ("links", "callbackAddress"),
    ("links", "locusUrl"),
    ("links", "conversationUrl"),
)
_SAMPLES = (
    _Sample("MISSED", "INCOMING", "WEBEXCALLING"),
    _Sample("Answered", "INCOMING", "WEBEXCALLING", (20, 900)),
    _Sample("Initiated", "OUTGOING", "WEBEXCALLING", (20, 900)),
    _Sample("INITIATED", "OUTGOING", "SPARK", (60, 2400), colleague=True),
    _Sample("ANSWERED", "INCOMING", "SPARK", (60, 2400), colleague=True),
    _Sample("Canceled", "OUTGOING", "WEBEXCALLING"),
    _Sample("MISSED", "INCOMING", "WEBEXCALLING", is_read=True),
    _Sample("MISSED", "INCOMING", "WEBEXCALLING_SHARED"),
    _Sample("Answered", "INCOMING", "WEBEXCALLING_SHARED", (20, 600)),
    _Sample("MISSED", "INCOMING", "WEBEXCALLING", private=True),
    _Sample("Answered", "INCOMING", "WEBEXCALLING", (30, 600), redirected="busy"),
    _Sample("MISSED", "INCOMING", "WEBEXCALLING", redirected="noAnswer"),
    _Sample("MISSED", "INCOMING", "SPARK", colleague=True),
    _Sample("Initiated", "OUTGOING", "WEBEXCALLING_SHARED", (20, 300), colleague=True),
    _Sample("MISSED", "INCOMING", "SPARK", colleague=True, is_read=True),
    _Sample("ANSWERED", "INCOMING", "SPARK", (60, 900), colleague=True, without=_NO_ADDRESSES),
    _Sample("Answered", "INCOMING", "WEBEXCALLING", (5, 60), without=_NO_CALLBACK),
    _Sample("CANCELED", "OUTGOING", "SPARK", colleague=True),
    _Sample("Initiated", "OUTGOING", "WEBEXCALLING", (5, 30), is_test=True),
    _Sample("MISSED", "INCOMING", "WEBEXCALLING", redirected="unconditional", private=True),
)


def sample_sessions(
    owner: Person,
    people: Sequence[Person],
    count: int,
    *,
    backend: str,
    now: datetime,
    rng: Random,
    addresses: Addresses,
    complete: bool,
    days: int | None = None,
) -> list[Wire]:
    """Make up a user's calls of the last days.

    Args:
        owner: whose history it is.
        people: who calls and is called, colleagues and others.
        count: how many sessions.
        backend: the calling backend; UCM has lines, and only Webex Calling has shared lines.
        now: when the last day ends.
        rng: what is random is taken from here, so that a seed always gives the same calls.
        addresses: where the sandbox is.
        complete: whether every session has all that is documented; else some miss an address, as
            real ones do.
        days: how many days; most calls come at working hours, some are from the same people, and
            those that come when nobody is at the desk are missed more often. ``None`` spreads the
            calls evenly over six days.
    """
    if days is None:
        spread = [_SPAN * ((index + 0.8 * rng.random()) / count) for index in range(count)]
        end_times = [now - timedelta(minutes=2) - before for before in spread]
    else:
        end_times = ring_times(now, days, count, rng)
        people = some_more_than_others(people)
    sessions: list[Wire] = []
    samples: list[_Sample] = []
    for ended_at in end_times:
        if not samples:
            samples = rng.sample(_SAMPLES, len(_SAMPLES))
        sample = samples.pop()
        if days is not None:
            sample = _suited(sample, is_away(ended_at), rng)
        call = _call(sample, owner, people, backend=backend, ended_at=ended_at, rng=rng)
        session = write_session(call, rng, addresses)
        if sample.is_read:
            session["isRead"] = True
        if sample.is_test:
            session["isTest"] = True
        for part, name in () if complete else sample.without:
            session[part].pop(name, None)
        sessions.append(session)
    return sessions


def _suited(sample: _Sample, away: bool, rng: Random) -> _Sample:
    """Give another kind of incoming call instead, in two of three cases that do not suit."""
    if (sample.disposition == "MISSED") == away or sample.direction == "OUTGOING":
        return sample
    others = [
        s for s in _SAMPLES if s.direction == "INCOMING" and (s.disposition == "MISSED") == away
    ]
    return rng.choice([sample, *rng.choices(others, k=2)])


def _call(
    sample: _Sample,
    owner: Person,
    people: Sequence[Person],
    *,
    backend: str,
    ended_at: datetime,
    rng: Random,
) -> Call:
    party = rng.choice([person for person in people if person.is_colleague == sample.colleague])
    colleague = rng.choice([person for person in people if person.is_colleague])
    duration = rng.randint(*sample.seconds)
    ringing = timedelta(milliseconds=rng.randint(3_000, 30_000))
    session_type = sample.session_type
    if session_type == "WEBEXCALLING_SHARED" and backend != "WEBEX_CALLING":
        session_type = "WEBEXCALLING"
    return Call(
        owner=owner,
        party=None if sample.private else party,
        disposition=sample.disposition,
        direction=sample.direction,
        session_type=session_type,
        started_at=ended_at - timedelta(seconds=duration) - ringing,
        ended_at=ended_at,
        duration_seconds=duration,
        participants=rng.choice((2, 2, 2, 3)) if sample.colleague and duration else 2,
        cucm_dn=_directory_number(rng) if backend == "UCM_CALLING" else None,
        redirection=_redirection(sample, colleague) if sample.redirected else None,
    )


def _directory_number(rng: Random) -> str | None:
    return rng.choice((*DIRECTORY_NUMBERS, *DIRECTORY_NUMBERS, UNLISTED_NUMBER, None))


def _redirection(sample: _Sample, by: Person) -> Wire:
    if sample.private:
        return {"reason": sample.redirected, "isPrivate": True}
    return {
        "reason": sample.redirected,
        "isPrivate": False,
        "name": by.name,
        "phoneNumber": by.phone_number,
        "sipUrl": f"sip:{by.phone_number}@example.com",
        "userId": by.id,
    }
