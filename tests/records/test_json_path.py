"""Where something cannot be read, in the words of an error."""

from __future__ import annotations

import pytest

from callhistory._records.json_path import Unreadable


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
