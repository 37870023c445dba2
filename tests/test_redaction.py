"""Other people's words fit for a log, and errors without the library's frames."""

from __future__ import annotations

import traceback
from typing import NoReturn

import pytest

from callhistory import CallHistoryError
from callhistory._redaction import public_words, without_frames
from tests.support.error_contents import failure_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("refresh_token is wrong", "refresh_token is wrong"),
        ("ask ada@example.com", "ask …"),
        ("call +49 (30) 123-456 now", "call … now"),
        ("abcdefghijklmnopqrstuvwxyz", "…"),
        ("two\n lines\tand\x00 more", "two lines and more"),
        ("the sEcReT itself", "the … itself"),
        ("x " * 200, ("x " * 100)),
        ("", ""),
    ],
)
def test_public_words_show_nothing_private(text: str, shown: str) -> None:
    """Secrets, addresses, numbers and words of no language are left out of one short line."""
    assert public_words(text, ["sEcReT"]) == shown


def names_of_frames(error: BaseException) -> list[str]:
    """Return the functions that an error's traceback goes through."""
    return [frame.name for frame in traceback.extract_tb(error.__traceback__)]


class Entry:
    """A class with an entry that fails below it."""

    @without_frames
    def fail(self, error: Exception) -> NoReturn:
        """Raise an error one frame further down."""
        self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        raise error


def test_an_error_of_the_library_loses_its_frames() -> None:
    """What is raised below an entry shows no frame of what is below it."""
    error = failure_of(lambda: Entry().fail(CallHistoryError("no")))

    assert str(error) == "no"
    assert not {"fail", "_fail"} & set(names_of_frames(error))


@pytest.mark.parametrize("kind", [TypeError, ValueError, LookupError, RuntimeError])
def test_an_error_of_somebody_else_keeps_its_frames(kind: type[Exception]) -> None:
    """An error that the library did not raise is a bug or the user's: where it came from stays."""
    error = failure_of(lambda: Entry().fail(kind("theirs")))

    assert names_of_frames(error)[-2:] == ["fail", "_fail"]


def test_an_entry_keeps_its_name_and_its_result() -> None:
    """The decorator is not seen from outside."""
    assert Entry.fail.__name__ == "fail"
    assert without_frames(len)([1, 2]) == 2
