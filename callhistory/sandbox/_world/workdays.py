"""When the phone of somebody at work rings, by the time of this machine's zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from callhistory.sandbox._world.people import Person

_BY_HOUR = {8: 4, 9: 10, 10: 12, 11: 10, 12: 5, 13: 7, 14: 11, 15: 10, 16: 8, 17: 4, 18: 2}
_AT_NIGHT = 0.1
_AT_A_WEEKEND = 0.1
_AT_THE_DESK = {9, 10, 11, 13, 14, 15, 16}


def ring_times(now: datetime, days: int, count: int, rng: Random) -> list[datetime]:
    """Give so many times within the days before `now`, the latest first."""
    hours = [now - timedelta(hours=hour) for hour in range(1, 24 * days + 1)]
    begun = rng.choices(hours, [_calls_an_hour(hour) for hour in hours], k=count)
    return sorted((hour + timedelta(hours=rng.random()) for hour in begun), reverse=True)


def is_away(moment: datetime) -> bool:
    """Tell whether nobody is at the desk: at noon, in the evening, at weekends."""
    local = moment.astimezone()
    return local.weekday() > 4 or local.hour not in _AT_THE_DESK


def some_more_than_others(people: Sequence[Person]) -> list[Person]:
    """Repeat each of the people as often as they call, compared with the others."""
    return [
        person
        for colleague in (True, False)
        for place, person in enumerate(p for p in people if p.is_colleague == colleague)
        for _ in range(max(1, 8 // (place + 1)))
    ]


def _calls_an_hour(moment: datetime) -> float:
    local = moment.astimezone()
    return _BY_HOUR.get(local.hour, _AT_NIGHT) * (_AT_A_WEEKEND if local.weekday() > 4 else 1)
