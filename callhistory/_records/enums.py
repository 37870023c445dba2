"""The enums of the documentation: dispositions, directions, session types, orders and events."""

from __future__ import annotations

from enum import StrEnum

from .._public import public


@public
class Disposition(StrEnum):
    """How a call ended. Webex writes ``Initiated`` and ``INITIATED``; both are the same member.

    A disposition that this version does not know is a plain ``str``.
    """

    ANSWERED = "Answered"
    CANCELED = "Canceled"
    INITIATED = "Initiated"
    MISSED = "MISSED"


# What Webex writes for each disposition.
DISPOSITION_SPELLINGS = {
    spelling: disposition
    for disposition in Disposition
    for spelling in (disposition.value.capitalize(), disposition.value.upper())
}


@public
class SessionType(StrEnum):
    """The service that carried a call. One that this version does not know is a plain ``str``."""

    SPARK = "SPARK"
    WEBEX_CALLING = "WEBEXCALLING"
    WEBEX_CALLING_SHARED = "WEBEXCALLING_SHARED"


@public
class Direction(StrEnum):
    """The direction of a call. One that this version does not know is a plain ``str``."""

    INCOMING = "INCOMING"
    OUTGOING = "OUTGOING"


@public
class CallHistoryEvent(StrEnum):
    """The names of the events in the Webex documentation."""

    USER_RECENT_SESSIONS = "callHistory:user_recent_sessions"
    USER_VIEWED_SESSIONS = "callHistory:user_viewed_sessions"
    USER_SESSIONS_DELETED = "callHistory:user_sessions_deleted"


@public
class Sort(StrEnum):
    """The order of a fetched page: oldest first, or newest first."""

    ASC = "ASC"
    DESC = "DESC"


@public
class SortBy(StrEnum):
    """The time that a fetched page is ordered by."""

    START_TIME = "startTime"
    END_TIME = "endTime"


@public
class CallingBackend(StrEnum):
    """The service for a user's calls, which decides how a history is requested."""

    WEBEX_CALLING = "WEBEX_CALLING"
    BROADWORKS_CALLING = "BROADWORKS_CALLING"
    UCM_CALLING = "UCM_CALLING"
