"""The words of the documentation, and how Webex spells them."""

from __future__ import annotations

import pytest

from callhistory import CallHistoryEvent, Direction, Disposition, SessionType, to_wire
from tests.records.samples import exactly, session
from tests.support.wire_samples import a_session


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
    ("spellings", "member"),
    [
        (["Answered", "ANSWERED"], Disposition.ANSWERED),
        (["Canceled", "CANCELED"], Disposition.CANCELED),
        (["Initiated", "INITIATED"], Disposition.INITIATED),
        (["Missed", "MISSED"], Disposition.MISSED),
    ],
)
def test_both_spellings_of_a_disposition_are_the_same_member(
    spellings: list[str], member: Disposition
) -> None:
    """A disposition is one member in capitals and capitalized, and is written as documented."""
    for spelling in spellings:
        record = session(disposition=spelling)

        assert record.disposition is member
        assert to_wire(record)["disposition"] == member.value


@pytest.mark.parametrize("session_type", list(SessionType))
@pytest.mark.parametrize("direction", list(Direction))
def test_known_words_become_members(session_type: SessionType, direction: Direction) -> None:
    """A documented session type and direction become members, and are written back as they were."""
    form = a_session(sessionType=session_type.value, direction=direction.value)

    record = session(**form)

    assert record.session_type is session_type
    assert record.direction is direction
    assert exactly(to_wire(record)) == exactly(form)


@pytest.mark.parametrize("name", ["disposition", "sessionType", "direction"])
@pytest.mark.parametrize("word", ["VOICEMAIL", "missed", "Incoming", "Spark", "", " "])
def test_a_word_nobody_has_seen_stays_a_plain_text(
    name: str, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown disposition, type or direction is kept as it is, and nothing is logged."""
    record = session(**{name: word})

    value = getattr(record, {"sessionType": "session_type"}.get(name, name))
    assert type(value) is str
    assert value == word
    assert to_wire(record)[name] == word
    assert record.extra == {}
    assert caplog.text == ""
