"""Sessions as a pandas DataFrame: one row per session, always the same columns and types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .._public import public
from .enums import Direction, Disposition, SessionType
from .sessions import RedirectionDetails, UserSession

if TYPE_CHECKING:
    import pandas

_DIRECT = RedirectionDetails()
_LARGEST = 2**63


def _redirection(session: UserSession) -> RedirectionDetails:
    specifics = session.calling_specifics
    return (specifics and specifics.redirection_details) or _DIRECT


def _duration(session: UserSession) -> int | None:
    seconds = session.duration_seconds
    return session.duration_secs if seconds is None else seconds


_COLUMNS: dict[str, tuple[str | type[StrEnum], Callable[[UserSession], Any]]] = {
    "session_id": ("string", lambda s: s.session_id),
    "start_time": ("time", lambda s: s.start_time),
    "end_time": ("time", lambda s: s.end_time),
    "direction": (Direction, lambda s: s.direction),
    "disposition": (Disposition, lambda s: s.disposition),
    "session_type": (SessionType, lambda s: s.session_type),
    "duration_seconds": ("Int64", _duration),
    "joined_duration_seconds": ("Int64", lambda s: s.joined_duration_seconds),
    "participant_count": ("Int64", lambda s: s.participant_count),
    "is_read": ("boolean", lambda s: s.is_read),
    "is_deleted": ("boolean", lambda s: s.is_deleted),
    "is_pmr": ("boolean", lambda s: s.is_pmr),
    "self_name": ("string", lambda s: s.self_.name),
    "self_phone_number": ("string", lambda s: s.self_.phone_number),
    "self_cucm_dn": ("string", lambda s: s.self_.cucm_dn),
    "self_ucm_line_number": ("Int64", lambda s: s.self_.ucm_line_number),
    "other_id": ("string", lambda s: s.other.id),
    "other_name": ("string", lambda s: s.other.name),
    "other_phone_number": ("string", lambda s: s.other.phone_number),
    "other_email": ("string", lambda s: s.other.email),
    "other_is_private": ("boolean", lambda s: s.other.is_private),
    "redirection_reason": ("string", lambda s: _redirection(s).reason),
    "redirection_name": ("string", lambda s: _redirection(s).name),
    "redirection_phone_number": ("string", lambda s: _redirection(s).phone_number),
}


@public
def to_dataframe(sessions: Iterable[UserSession]) -> pandas.DataFrame:
    """Return a pandas DataFrame of sessions: one row per session, in their order.

    The columns and their types are always the same, even without sessions: times in UTC to the
    microsecond; categories for ``direction``, ``disposition`` and ``session_type``, first the known
    values, then any others that Webex sent; for the rest pandas' ``Int64``, ``boolean`` and
    ``string``, with ``<NA>`` for values that Webex left out. ``is_read`` is as Webex sent it: a
    missed call is unread unless it is true.

    Args:
        sessions: any iterable of sessions: a history, a list, the sessions of an event.

    Raises:
        ImportError: pandas is not installed.
        ApiError, AuthenticationError: ``sessions`` is a failed history.
        TypeError: ``sessions`` is not an iterable of sessions; the error has the index of the
            wrong entry.

    Example:
        >>> import callhistory
        >>> callhistory.to_dataframe([]).columns[0]
        'session_id'
    """
    rows = _sessions(sessions)
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            'A DataFrame needs pandas: pip install "callhistory[pandas]"', name="pandas"
        ) from error

    # As Python objects, strings behave the same with and without pyarrow, and any JSON text fits.
    dtypes: Mapping[str, Any] = {
        "time": pandas.DatetimeTZDtype("us", "UTC"),
        "string": pandas.StringDtype("python"),
        "Int64": pandas.Int64Dtype(),
        "boolean": pandas.BooleanDtype(),
    }
    columns: dict[str, pandas.Series[Any]] = {}
    for name, (kind, read) in _COLUMNS.items():
        values = [read(session) for session in rows]
        if kind == "Int64":
            values = [_in_64_bits(value) for value in values]
        if isinstance(kind, str):
            columns[name] = pandas.Series(values, dtype=dtypes[kind])
        else:
            words = [None if value is None else str(value) for value in values]
            unknown = {word for word in words if word is not None}.difference(kind)
            categories = pandas.Index([*map(str, kind), *sorted(unknown)], dtype=object)
            columns[name] = pandas.Series(words, dtype=pandas.CategoricalDtype(categories))
    return pandas.DataFrame(columns)


def _sessions(sessions: Iterable[UserSession]) -> list[UserSession]:
    if isinstance(sessions, UserSession) or not isinstance(sessions, Iterable):
        raise TypeError(f"sessions: expected several sessions, not {type(sessions).__name__}")
    rows = list(sessions)
    for index, session in enumerate(rows):
        if not isinstance(session, UserSession):
            raise TypeError(
                f"sessions[{index}]: expected a UserSession, not {type(session).__name__}"
            )
    return rows


def _in_64_bits(value: int | None) -> int | None:
    return value if value is not None and -_LARGEST <= value < _LARGEST else None
