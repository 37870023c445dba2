"""Where something cannot be read, in the words of an error."""

from __future__ import annotations

import pytest

from callhistory import DecodeError
from callhistory._records.decode import read_sessions
from callhistory._records.json_path import Unreadable
from tests.support.wire_samples import a_session


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ((), "$"),
        (("id",), "id"),
        ((3,), "[3]"),
        (("userSessions", 3, "startTime"), "userSessions[3].startTime"),
        (("a", 0, 1, "b"), "a[0][1].b"),
    ],
)
def test_a_path_is_read_from_the_outside_in(path: tuple[str | int, ...], shown: str) -> None:
    """Each level further up is put before what is there, names with dots and places in brackets."""
    unreadable = Unreadable("a string", "null")
    for part in reversed(path):
        unreadable = unreadable.below(part)

    assert str(unreadable.as_decode_error()) == f"{shown}: expected a string, found null"


def test_the_path_of_a_session_in_a_page() -> None:
    """What cannot be read in a page is named from the answer's first level on."""
    page = [a_session(), a_session(), a_session(startTime=5)]

    with pytest.raises(DecodeError) as raised:
        read_sessions(page)

    assert raised.value.path == "userSessions[2].startTime"
