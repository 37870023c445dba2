"""Records to JSON."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from callhistory import CallRecordLink, UserSession, from_wire, to_wire
from callhistory._records.base import Extra
from tests.records.samples import exactly, session
from tests.support.wire_samples import Wire, a_bare_session, a_session

LINK = CallRecordLink(locus_url="x")


@pytest.mark.parametrize(
    ("form", "change", "name", "value"),
    [
        (a_bare_session(), {"is_read": True}, "isRead", True),
        (a_bare_session(), {"is_read": False}, "isRead", False),
        (a_bare_session(), {"participant_count": 0}, "participantCount", 0),
        (a_bare_session(), {"correlation_ids": ("a",)}, "correlationIds", ["a"]),
        (a_bare_session(), {"links": LINK}, "links", {"locusUrl": "x"}),
        (a_bare_session(), {"session_id": "2"}, "sessionId", "2"),
        (a_bare_session(durationSeconds="438"), {"duration_seconds": 438}, "durationSeconds", 438),
        (a_bare_session(links="none"), {"links": LINK}, "links", {"locusUrl": "x"}),
    ],
)
def test_what_a_record_was_given_meanwhile_is_written(
    form: Wire, change: dict[str, Any], name: str, value: Any
) -> None:
    """A value set with evolve is written, even where Webex sent none or an unreadable one."""
    changed = attrs.evolve(from_wire(UserSession, form), **change)

    assert exactly(to_wire(changed)) == exactly(form | {name: value})


@pytest.mark.parametrize(
    "thing", [{}, [], None, "text", UserSession, object(), a_session(), Extra()]
)
def test_only_records_are_written(thing: object) -> None:
    """Anything but a record of this library is refused with its type, never its content."""
    with pytest.raises(TypeError, match=r"^to_wire: expected a record of callhistory, not \w+$"):
        to_wire(thing)


def test_what_is_written_can_be_read_again_as_it_is() -> None:
    """to_wire() writes plain texts for members of enums, and from_wire() reads them."""
    written = to_wire(session())

    for name in ("disposition", "direction", "sessionType"):
        assert type(written[name]) is str
    assert from_wire(UserSession, written) == session()


def test_extra_that_is_nested_too_deep_cannot_be_written() -> None:
    """Values nested deeper than to_wire() can copy are a ValueError."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}

    with pytest.raises(ValueError, match="nested too deep"):
        to_wire(attrs.evolve(session(), extra={"deep": deep}))
