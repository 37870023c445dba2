"""The sessions, and the pair that identifies one.

Every class is frozen and slotted. Attributes are the snake_case of the wire names; the wire's
``self`` is :attr:`UserSession.self_`. Times are aware ``datetime`` objects in UTC, durations are
whole seconds. A value that Webex left out is ``None``; a list that it left out is empty.

Every record has ``extra``, which maps wire names to raw JSON values: fields that have no
attribute, and values of another type than documented, whose attributes are as if Webex had left
them out. So nothing is coerced, and nothing is lost. Sessions may share what is in it: do not
change it.
"""

import re
from datetime import datetime

from attrs import field, frozen

from .._public import public
from .base import Record
from .enums import Direction, Disposition, SessionType
from .timestamps import in_utc, read_time
from .wire_names import json_object, wire


def _end_time(value: object) -> datetime:
    """Return, in UTC, the time of an ISO 8601 string with an offset or of an aware datetime."""
    if isinstance(value, datetime):
        return _aware(value)
    if not isinstance(value, str):
        raise TypeError(
            "end_time: expected an ISO 8601 string or an aware datetime, "
            f"not {type(value).__name__}"
        )
    try:
        return read_time(value)
    except ValueError:
        raise ValueError(
            f"end_time: {_shown_time(value)} is not an ISO 8601 time with an offset, "
            "such as 2026-01-31T09:30:00.000Z"
        ) from None


def _aware(moment: datetime) -> datetime:
    try:
        if moment.utcoffset() is not None:
            return in_utc(moment)
    except ValueError:  # also raised by NaT, pandas' missing time
        raise ValueError(
            f"end_time: {moment.isoformat()} is not within the years 1 to 9999 in UTC"
        ) from None
    raise ValueError(
        f"end_time: {moment.isoformat()} has no time zone; "
        "add one, such as datetime(..., tzinfo=timezone.utc)"
    )


def _shown_time(text: str) -> str:
    """Return a text for an error; only its length if it may be an id, a number or a name."""
    if re.match(r"\d{4}-\d\d(-|$)", text) and not re.search(r"[A-SU-Ya-su-y]", text):
        return repr(text[:40])
    if re.fullmatch(r"[a-z -]{0,40}", text):
        return repr(text)
    return f"a string of {len(text)} characters"


@public
@json_object
@frozen
class EndTimeSessionId:
    """The pair that identifies a session to the calls that mark sessions read and delete them.

    :attr:`UserSession.end_time_session_id` is the pair of a session.

    Attributes:
        end_time: the end of the session: an ISO 8601 string with an offset (``Z``, ``+02:00``), or
            an aware ``datetime``. It is converted to UTC.
        session_id: the session's id.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: the time is malformed or naive, or the session id is empty. The error shows no
            session id.
    """

    end_time: datetime = field(converter=_end_time)
    session_id: str

    def __attrs_pre_init__(self, end_time: object, session_id: object) -> None:
        if not isinstance(session_id, str):
            raise TypeError(f"session_id: expected a string, not {type(session_id).__name__}")
        if not session_id.strip():
            raise ValueError("session_id: is empty")
        if isinstance(end_time, str) and _is_time(session_id) and not _is_time(end_time):
            raise ValueError("end_time and session_id are swapped")


def _is_time(text: str) -> bool:
    try:
        read_time(text)
    except ValueError:
        return False
    return True


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class CallRecordLink(Record):
    """Addresses of a session elsewhere in Webex.

    Attributes:
        locus_url: the address of the call itself, for Webex's media services.
        conversation_url: the address of the space in which the call took place.
        callback_address: the address to dial to call back.
    """

    locus_url: str | None = None
    conversation_url: str | None = None
    callback_address: str | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class CallRecordSelf(Record):
    """The user's own side of a session.

    Attributes:
        id: the user's id.
        name: the user's display name.
        phone_number: the user's number on this call.
        cucm_dn: the directory number of the line, on Unified CM.
        ucm_line_number: the number of that line among the user's, from 1, on Unified CM. It comes
            from a second request; ``None`` if that did not have it.
    """

    _familiar = ("incomingCallProtocols", "callbackInfo", "lookUpInfo")

    id: str | None = None
    name: str | None = None
    phone_number: str | None = None
    cucm_dn: str | None = field(default=None, metadata=wire("cucmDN"))
    ucm_line_number: int | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class CallRecordListOther(Record):
    """The other side of a session.

    Attributes:
        id: their id: a Webex id or a phone number.
        owner_id: the id of the owner of their number or place.
        name: their display name.
        sip_url: their SIP address.
        primary_display_string: the first line in Webex's own apps, usually the name.
        secondary_display_string: the line below it, usually the number.
        is_private: whether they withheld their identity.
        callback_address: the address to dial to call back.
        phone_number: their number.
        contact: their entry in the user's contacts.
        email: their e-mail address.
    """

    id: str | None = None
    owner_id: str | None = None
    name: str | None = None
    sip_url: str | None = None
    primary_display_string: str | None = None
    secondary_display_string: str | None = None
    is_private: bool | None = None
    callback_address: str | None = None
    phone_number: str | None = None
    contact: str | None = None
    email: str | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class RedirectionDetails(Record):
    """Who redirected a call, and why.

    Attributes:
        reason: the reason, such as ``busy`` or ``noAnswer``.
        phone_number: the number that redirected the call.
        sip_url: its SIP address.
        name: the name of the person who redirected the call.
        user_id: their id.
        is_private: whether they withheld their identity.
    """

    reason: str | None = None
    phone_number: str | None = None
    sip_url: str | None = None
    name: str | None = None
    user_id: str | None = None
    is_private: bool | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class CallingSpecifics(Record):
    """Details of a session that only Webex Calling has.

    Attributes:
        redirection_details: the redirection, if the call was redirected.
    """

    redirection_details: RedirectionDetails | None = None


@public
@json_object
@frozen(kw_only=True, repr=False, eq=False)
class UserSession(Record):
    """One call in the history.

    Attributes:
        id: the record's id. If Webex sent only one of the two ids, both have its value.
        session_id: the session's id.
        start_time: when the call began.
        end_time: when the call ended. Webex sorts by this.
        disposition: how the call ended.
        direction: incoming or outgoing.
        session_type: the service that carried the call.
        url: the record's address in Webex.
        duration_seconds: the duration of the call, in seconds.
        joined_duration_seconds: the time that the user took part, in seconds.
        duration_secs: the same as ``duration_seconds``, in an older field that Webex still sends.
        participant_count: the number of participants.
        is_deleted: whether the user deleted the record.
        is_read: whether the user saw a missed call; it is unread unless this is ``True``.
        is_pmr: whether the call took place in a personal meeting room.
        correlation_ids: the ids of the calls that make up the session.
        links: addresses of the session elsewhere in Webex.
        self_: the user's own side.
        other: the other side.
        calling_specifics: details that only Webex Calling has, such as a redirection.
    """

    _familiar = ("isTest",)

    id: str = field(metadata=wire(stand_in="sessionId"))
    session_id: str = field(metadata=wire(stand_in="id"))
    start_time: datetime
    end_time: datetime
    disposition: Disposition | str | None = None
    direction: Direction | str | None = None
    session_type: SessionType | str | None = None
    url: str | None = None
    duration_seconds: int | None = None
    joined_duration_seconds: int | None = None
    duration_secs: int | None = None
    participant_count: int | None = None
    is_deleted: bool | None = None
    is_read: bool | None = None
    is_pmr: bool | None = field(default=None, metadata=wire("isPMR"))
    correlation_ids: tuple[str, ...] = ()
    links: CallRecordLink = CallRecordLink()
    self_: CallRecordSelf = field(default=CallRecordSelf(), metadata=wire("self"))
    other: CallRecordListOther = CallRecordListOther()
    calling_specifics: CallingSpecifics | None = None

    @property
    def end_time_session_id(self) -> EndTimeSessionId:
        """The pair that identifies this session to the calls that mark it read or delete it."""
        return EndTimeSessionId(self.end_time, self.session_id)

    def _repr_html_(self) -> str:
        """Return a card for a notebook."""
        from .notebook_html import card

        return card(self)
