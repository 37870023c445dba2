"""Calls that a program places, and calls that happen by themselves."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs

from callhistory.sandbox._timer import Timer
from callhistory.sandbox._world.organization import Organization
from callhistory.sandbox._world.people import Person
from callhistory.sandbox._world.session_json import Call
from callhistory.sandbox._world.ucm_phones import DIRECTORY_NUMBERS

_RINGING = timedelta(seconds=10)
_TALKING = 42  # seconds

# In turn, so that somebody who waits for a kind of call does not wait for long.
_CHATTER: tuple[dict[str, Any], ...] = (
    {"disposition": "MISSED"},
    {"disposition": "Answered"},
    {"disposition": "MISSED", "session_type": "SPARK"},
    {"disposition": "Initiated"},
    {"disposition": "MISSED", "private": True},
    {"disposition": "ANSWERED", "session_type": "SPARK"},
    {"disposition": "Canceled"},
)


@attrs.frozen(kw_only=True)
class PlacedCall:
    """The arguments of `Sandbox.place_call` that describe the call."""

    name: str | None
    phone_number: str | None
    private: bool
    disposition: str
    direction: str | None
    session_type: str
    duration_seconds: int | None
    started_at: datetime | None
    ended_at: datetime | None

    def complete(self, organization: Organization, owner: Person) -> Call:
        """Return the call, with everything that was left open filled in.

        Raises:
            ValueError: a time has no offset, or the call ends before it starts.
        """
        kind = self.disposition.upper()
        direction = "OUTGOING" if kind in ("INITIATED", "CANCELED") else "INCOMING"
        started_at, ended_at, duration = self._times(organization.clock())
        is_ucm = organization.options.backend == "UCM_CALLING"
        return Call(
            owner=owner,
            party=None if self.private else self._party(organization),
            disposition=self.disposition,
            direction=self.direction or direction,
            session_type=self.session_type,
            started_at=started_at,
            ended_at=ended_at,
            duration_seconds=duration,
            cucm_dn=DIRECTORY_NUMBERS[0] if is_ucm else None,
        )

    def _times(self, now: datetime) -> tuple[datetime, datetime, int]:
        started, ended, duration = self.started_at, self.ended_at, self.duration_seconds
        for moment in (started, ended):
            if moment is not None and not isinstance(moment, datetime):
                raise TypeError("started_at and ended_at must be datetimes")
            if moment is not None and moment.utcoffset() is None:
                raise ValueError("started_at and ended_at need an offset from UTC")
        if duration is None:
            answered = self.disposition.upper() not in ("MISSED", "CANCELED")
            if answered and started and ended:
                duration = (ended - started) // timedelta(seconds=1)
            else:
                duration = _TALKING if answered else 0
        try:
            length = timedelta(seconds=duration) + _RINGING
            if ended is None:
                ended = started + length if started else now
            if started is None:
                started = ended - length
        except OverflowError:
            raise ValueError("the call must be within the years 1 to 9999") from None
        if ended < started:
            raise ValueError("the call ends before it starts")
        return started, ended, duration

    def _party(self, organization: Organization) -> Person:
        contacts = organization.contacts
        if self.name is None:
            colleague = self.session_type == "SPARK"
            person = organization.rng.choice([p for p in contacts if p.is_colleague == colleague])
        else:
            known = (person for person in contacts if person.name == self.name)
            person = next(known, None) or organization.meet(self.name)
        if self.phone_number is not None:
            person = attrs.evolve(person, phone_number=self.phone_number)
        return person


def place_regularly(place_call: Callable[..., object], seconds: float, timer: Timer) -> None:
    """Place calls of all kinds at regular intervals; the first one after the first interval.

    Args:
        place_call: places a call.
        seconds: the interval.
        timer: what runs it.
    """
    kinds = itertools.cycle(_CHATTER)

    def place_next() -> None:
        timer.after(seconds, place_next)
        place_call(**next(kinds))

    timer.after(seconds, place_next)
