"""The events: sessions are new, were marked read, or were deleted."""

from datetime import datetime

from attrs import define, field, frozen

from .._public import public
from .base import Record
from .sessions import UserSession
from .wire_names import OFF_WIRE, EpochMs, json_object, wire


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class UserSessions(Record):
    """The sessions of a :class:`CallSessionEvent`.

    Attributes:
        user_sessions: the sessions.
        status_code: Webex's status for them.
    """

    user_sessions: tuple[UserSession, ...]
    status_code: int | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class UserReadSession(Record):
    """A session that was marked read.

    Attributes:
        session_id: its id.
    """

    session_id: str


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class UserReadSessions(Record):
    """The sessions that were marked read.

    Attributes:
        user_read_sessions: the sessions.
        status_code: Webex's status for them.
    """

    user_read_sessions: tuple[UserReadSession, ...]
    status_code: int | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class CallSessionData(Record):
    """The data of a :class:`CallSessionEvent`.

    Attributes:
        user_sessions: the sessions.
        event_type: Webex's own name for the event.
    """

    user_sessions: UserSessions
    event_type: str | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class CallSessionViewedData(Record):
    """The data of a :class:`CallSessionViewedEvent`.

    Attributes:
        user_read_sessions: the sessions.
        event_type: Webex's own name for the event.
    """

    user_read_sessions: UserReadSessions
    event_type: str | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class CallSessionDeletedData(Record):
    """The data of a :class:`CallSessionDeletedEvent`.

    Attributes:
        deleted_sessions: the ids of the sessions.
        event_type: Webex's own name for the event.
    """

    deleted_sessions: tuple[str, ...]
    event_type: str | None = None


@define(kw_only=True, repr=False, eq=False)
class CallEvent(Record):
    """The base class of the three events, which are frozen: their envelope."""

    id: str | None = None
    timestamp: datetime | None = field(default=None, metadata=wire(notation=EpochMs))
    tracking_id: str | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class CallSessionEvent(CallEvent):
    """Calls began, continued or ended: ``callHistory:user_recent_sessions``.

    Attributes:
        data: the sessions, in ``data.user_sessions.user_sessions``.
        id: the envelope's id.
        timestamp: when Webex sent it.
        tracking_id: the id that Webex support asks for.
        recovered: whether the sessions were fetched after an outage instead of received live. The
            envelope's attributes are then ``None``.
    """

    data: CallSessionData
    recovered: bool = field(default=False, metadata=OFF_WIRE)


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class CallSessionViewedEvent(CallEvent):
    """Sessions were marked read: ``callHistory:user_viewed_sessions``.

    Attributes:
        data: the sessions, in ``data.user_read_sessions.user_read_sessions``.
        id: the envelope's id.
        timestamp: when Webex sent it.
        tracking_id: the id that Webex support asks for.
    """

    data: CallSessionViewedData


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class CallSessionDeletedEvent(CallEvent):
    """Sessions were deleted: ``callHistory:user_sessions_deleted``.

    Attributes:
        data: the sessions' ids, in ``data.deleted_sessions``.
        id: the envelope's id.
        timestamp: when Webex sent it.
        tracking_id: the id that Webex support asks for.
    """

    data: CallSessionDeletedData
