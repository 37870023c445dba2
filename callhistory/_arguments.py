"""Checks of arguments, before anything is sent."""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from ._records.sessions import EndTimeSessionId, UserSession
from ._records.timestamps import EPOCH, epoch_ms, whole_ms

E = TypeVar("E", bound=StrEnum)

# Webex's own largest limit is not known; no count of records comes near this one.
_LARGEST = 2**31 - 1


def whole_number(value: object, name: str, *, minimum: int) -> int:
    """Return a whole number of any integer type except ``bool``, as an ``int``.

    Raises:
        TypeError: ``value`` is not a whole number.
        ValueError: it is below ``minimum``, or too large.
    """
    number = _index(value)
    if number is None or isinstance(value, bool):
        raise TypeError(f"{name}: expected a whole number, not {_shown(value)}")
    if number < minimum:
        raise ValueError(f"{name}: expected at least {minimum}, not {_shown(number)}")
    if number > _LARGEST:
        raise ValueError(f"{name}: {_shown(number)} is too large")
    return number


def _index(value: Any) -> int | None:
    try:
        return operator.index(value)
    except TypeError:  # also from an __index__() that fails, as an array's does
        return None


def seconds_above_zero(value: object, name: str) -> float:
    """Return a number of seconds above 0.

    Raises:
        TypeError: ``value`` is not a number.
        ValueError: it is not above 0, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected seconds, not {_shown(value)}")
    if not 0 < value < threading.TIMEOUT_MAX:
        raise ValueError(f"{name}: expected more than 0 seconds, not {_shown(value)}")
    return float(value)


def seconds_of_any_size(value: object, name: str) -> float:
    """Return a number of seconds that a thread can wait, which is 0 for a negative one.

    Raises:
        TypeError: ``value`` is not a number.
        ValueError: it is NaN.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: expected seconds, not {_shown(value)}")
    if math.isnan(value):
        raise ValueError(f"{name}: expected seconds, not {_shown(value)}")
    return float(max(0.0, min(value, threading.TIMEOUT_MAX)))


def seconds_to_connect_and_read(timeout: float | tuple[float, float]) -> tuple[float, float]:
    """Return the timeouts of a request: seconds to connect, and seconds for each read.

    Raises:
        TypeError, ValueError: ``timeout`` is neither a number above 0 nor a pair of them.
    """
    both = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    if len(both) != 2:
        raise ValueError(f"timeout: expected seconds, or (connect, read), not {timeout!r}")
    for seconds in both:
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise TypeError(f"timeout: expected seconds, or (connect, read), not {timeout!r}")
        if not 0 < seconds < 1e6:
            raise ValueError(f"timeout: expected more than 0 seconds, not {timeout!r}")
    return both


def days_ago(days: object) -> datetime:
    """Return the time ``days`` times 24 hours ago, in whole milliseconds.

    Raises:
        TypeError, ValueError: ``days`` is not a whole number, is below 1, or reaches before 1970.
    """
    number = whole_number(days, "days", minimum=1)
    now = datetime.now(UTC)
    if number > (now - EPOCH).days:
        raise ValueError(f"days: {number} is too large: it reaches back before 1970")
    return whole_ms(now) - timedelta(days=number)


def member(value: object, enum: type[E], name: str) -> E:
    """Return the member of an enum for a member, its value or its name, in any case.

    Raises:
        TypeError: ``value`` is not a string.
        ValueError: no member has that value or name.
    """
    allowed = ", ".join(repr(option.value) for option in enum)
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected one of {allowed}, not {_shown(value)}")
    for option in enum:
        if value.upper() in (option.value.upper(), option.name):
            return option
    raise ValueError(f"{name}: expected one of {allowed}, not {_shown(value)}")


def pairs_for_wire(pairs: object, name: str) -> list[dict[str, Any]]:
    """Return pairs of end time and session id, in any accepted form, as they are sent to Webex.

    Raises:
        TypeError, ValueError: ``pairs`` is not an iterable, or an entry is malformed; the error
            has its index.
    """
    if isinstance(pairs, (str, bytes, Mapping, EndTimeSessionId, UserSession)):
        raise TypeError(f"{name}: expected several sessions, not one {type(pairs).__name__}")
    if not isinstance(pairs, Iterable):
        raise TypeError(f"{name}: expected sessions, not {type(pairs).__name__}")
    checked = [_pair(entry, f"{name}[{index}]") for index, entry in enumerate(pairs)]
    return [{"endTime": epoch_ms(pair.end_time), "sessionId": pair.session_id} for pair in checked]


def _pair(entry: object, place: str) -> EndTimeSessionId:
    problem: Exception
    try:
        if isinstance(entry, EndTimeSessionId):
            return entry
        if isinstance(entry, UserSession):
            return entry.end_time_session_id
        if isinstance(entry, Mapping):
            missing = [key for key in ("endTime", "sessionId") if key not in entry]
            if not missing:
                return EndTimeSessionId(entry["endTime"], entry["sessionId"])
            problem = ValueError(f"{place}: has no {' and no '.join(missing)}")
        else:
            problem = TypeError(
                f"{place}: expected an EndTimeSessionId, a UserSession or a mapping with endTime "
                f"and sessionId, not {type(entry).__name__}"
            )
    except (TypeError, ValueError) as error:
        problem = type(error)(f"{place}.{error}")
    raise problem


def _shown(value: object) -> str:
    """Return a value for an error; only its type if the repr fails, or is long as a record's is."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a repr may raise anything; for an int of 5,000 digits it does
        text = ""
    if 0 < len(text) <= 60:
        return text
    if text and isinstance(value, (str, int)):
        return f"{text[:57]}..."
    return f"a value of type {type(value).__name__}"
