"""The words of the documentation, and how Webex spells them."""

from __future__ import annotations

import pytest

from callhistory import (
    CallHistoryEvent,
    Direction,
    Disposition,
    SessionType,
    UserSession,
    from_wire,
    to_wire,
)
from tests.records.samples import exactly
from tests.support.wire_samples import (
    a_session,
)


@pytest.mark.parametrize(
    ("member", "text"),
    [
        (Disposition.ANSWERED, "Answered"),
        (Disposition.CANCELED, "Canceled"),
        (Disposition.INITIATED, "Initiated"),
        (Disposition.MISSED, "MISSED"),
        (SessionType.SPARK, "SPARK"),
        (SessionType.WEBEX_CALLING, "WEBEXCALLING"),
        (SessionType.WEBEX_CALLING_SHARED, "WEBEXCALLING_SHARED"),
        (Direction.INCOMING, "INCOMING"),
        (Direction.OUTGOING, "OUTGOING"),
        (CallHistoryEvent.USER_RECENT_SESSIONS, "callHistory:user_recent_sessions"),
        (CallHistoryEvent.USER_VIEWED_SESSIONS, "callHistory:user_viewed_sessions"),
        (CallHistoryEvent.USER_SESSIONS_DELETED, "callHistory:user_sessions_deleted"),
    ],
)
def test_a_word_of_the_documentation_equals_its_member(member: str, text: str) -> None:
    """A member of an enum equals the word that the documentation uses, and prints as it."""
    assert member == text
    assert str(member) == text


@pytest.mark.parametrize(
    ("written", "member"),
    [
        ("Answered", Disposition.ANSWERED),
        ("ANSWERED", Disposition.ANSWERED),
        ("Canceled", Disposition.CANCELED),
        ("CANCELED", Disposition.CANCELED),
        ("Initiated", Disposition.INITIATED),
        ("INITIATED", Disposition.INITIATED),
        ("Missed", Disposition.MISSED),
        ("MISSED", Disposition.MISSED),
    ],
)
def test_both_spellings_of_a_disposition_are_the_same_member(
    written: str, member: Disposition
) -> None:
    """A disposition is one member in capitals and capitalized, and is written as documented."""
    session = from_wire(UserSession, a_session(disposition=written))

    assert session.disposition is member
    assert to_wire(session)["disposition"] == member.value


@pytest.mark.parametrize("session_type", list(SessionType))
@pytest.mark.parametrize("direction", list(Direction))
def test_known_words_become_members(session_type: SessionType, direction: Direction) -> None:
    """A documented session type and direction become members, and are written back as they were."""
    wire_session = a_session(sessionType=session_type.value, direction=direction.value)

    session = from_wire(UserSession, wire_session)

    assert session.session_type is session_type
    assert session.direction is direction
    assert exactly(to_wire(session)) == exactly(wire_session)


@pytest.mark.parametrize("name", ["disposition", "sessionType", "direction"])
@pytest.mark.parametrize("word", ["VOICEMAIL", "missed", "Incoming", "Spark", "", " "])
def test_a_word_nobody_has_seen_stays_a_plain_text(
    name: str, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown disposition, type or direction is kept as it is, breaks nothing, warns nobody."""
    session = from_wire(UserSession, a_session(**{name: word}))

    value = getattr(session, {"sessionType": "session_type"}.get(name, name))
    assert type(value) is str
    assert value == word
    assert to_wire(session)[name] == word
    assert session.extra == {}
    assert caplog.text == ""
