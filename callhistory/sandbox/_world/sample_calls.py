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

_SPAN = timedelta(days=6)

# How many calls begin at an hour of the day, by the time of this machine's zone, and how much less
# busy the other hours are.
_BY_HOUR = {8: 4, 9: 10, 10: 12, 11: 10, 12: 5, 13: 7, 14: 11, 15: 10, 16: 8, 17: 4, 18: 2}
_AT_NIGHT = 0.1
_AT_WEEKENDS = 0.1
_AT_THE_DESK = {9, 10, 11, 13, 14, 15, 16}


@attrs.frozen
class _Sample:
    """A kind of call; each kind appears once before any appears twice."""

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
    """Return sessions of a user's last days.

    Args:
        owner: whose history it is.
        people: the people who call and are called, colleagues and others.
        count: the number of sessions.
        backend: the calling backend; UCM has lines, and only Webex Calling has shared lines.
        now: the end of the last day.
        rng: the source of everything random, so that a seed always leads to the same calls.
        addresses: the addresses of the sandbox.
        complete: whether every session has all documented fields; otherwise some lack an address,
            as real ones do.
        days: the number of days; most calls then come during working hours, some people call more
            often than others, and calls that come while nobody is at the desk are missed more
            often. ``None`` spreads the calls evenly over six days.
    """
    if days is None:
        spread = [_SPAN * ((index + 0.8 * rng.random()) / count) for index in range(count)]
        end_times = [now - timedelta(minutes=2) - before for before in spread]
    else:
        end_times = _ring_times(now, days, count, rng)
        people = _repeat_frequent(people)
    sessions: list[Wire] = []
    samples: list[_Sample] = []
    for ended_at in end_times:
        if not samples:
            samples = rng.sample(_SAMPLES, len(_SAMPLES))
        sample = samples.pop()
        if days is not None:
            sample = _suited(sample, _is_away(ended_at), rng)
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
    """Replace two of three incoming calls that do not fit somebody's being away or at the desk."""
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


def _ring_times(now: datetime, days: int, count: int, rng: Random) -> list[datetime]:
    """Return times within the days before `now`, the latest first."""
    hours = [now - timedelta(hours=hour) for hour in range(1, 24 * days + 1)]
    begun = rng.choices(hours, [_calls_in_hour(hour) for hour in hours], k=count)
    return sorted((hour + timedelta(hours=rng.random()) for hour in begun), reverse=True)


def _calls_in_hour(moment: datetime) -> float:
    local = moment.astimezone()
    return _BY_HOUR.get(local.hour, _AT_NIGHT) * (_AT_WEEKENDS if local.weekday() > 4 else 1)


def _is_away(moment: datetime) -> bool:
    """Return whether nobody is at the desk: at noon, in the evening, at weekends."""
    local = moment.astimezone()
    return local.weekday() > 4 or local.hour not in _AT_THE_DESK


def _repeat_frequent(people: Sequence[Person]) -> list[Person]:
    """Repeat each person as often as they call, compared with the others."""
    return [
        person
        for colleague in (True, False)
        for place, person in enumerate(p for p in people if p.is_colleague == colleague)
        for _ in range(max(1, 8 // (place + 1)))
    ]
