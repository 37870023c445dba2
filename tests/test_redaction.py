"""Other people's words fit for a log; the frames of errors are in contracts/test_redaction.py."""

from __future__ import annotations

import gc
import json
import traceback
import weakref
from types import TracebackType
from typing import Self

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


def test_an_entry_keeps_its_name_and_its_result() -> None:
    """The decorator is not seen from outside."""
    assert without_frames(len).__name__ == "len"
    assert without_frames(len)([1, 2]) == 2


def test_an_error_keeps_the_frames_of_the_users_functions_only() -> None:
    """Frames of the standard library, which may hold what the library passed to it, are removed."""

    def read(text: str) -> object:
        return json.loads(text)

    error = failure_of(lambda: without_frames(read)("no JSON"))

    names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert names[-2:] == ["entry", "read"]


def test_an_error_is_in_no_reference_cycle() -> None:
    """An error is freed as soon as nobody holds it, without the garbage collector."""

    class RefusalError(CallHistoryError):
        pass

    def refuse() -> None:
        raise RefusalError

    gc.disable()
    try:
        try:
            without_frames(refuse)()
        except RefusalError as error:
            watched = weakref.ref(error)
        assert watched() is None
    finally:
        gc.enable()


def test_an_error_with_as_many_frames_as_there_can_be() -> None:
    """A function of the user's that never stops calling itself fails as anywhere else."""

    def fall(depth: int) -> int:
        return fall(depth + 1)

    error = failure_of(lambda: without_frames(fall)(0))

    assert isinstance(error, RecursionError)
    names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert names.count("fall") > 500


class FrozenError(Exception):
    """An error whose frames cannot be replaced in the usual way."""

    def with_traceback(self, _: TracebackType | None) -> Self:
        raise AttributeError


@pytest.mark.parametrize("kind", [KeyboardInterrupt, FrozenError, RecursionError])
def test_any_error_loses_the_frames(kind: type[BaseException]) -> None:
    """An interrupt, and an error that guards its frames, are raised without the library's."""

    def fail(_: str) -> object:
        raise kind

    with pytest.raises(kind) as caught:
        without_frames(json.loads)("1", object_hook=None, parse_int=fail)

    names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    assert names == ["test_any_error_loses_the_frames", "entry", "fail"]


def test_chained_errors_lose_the_frames_but_for_the_handled_one() -> None:
    """All that a call chains to its error is treated alike; what the program handles is not."""

    def fail() -> None:
        try:
            json.loads("no JSON")
        except ValueError as error:
            raise LookupError from error

    try:
        json.loads("no JSON either")
    except ValueError as handled:
        before = len(list(traceback.walk_tb(handled.__traceback__)))
        error = failure_of(without_frames(fail))
        after = len(list(traceback.walk_tb(handled.__traceback__)))

    assert error.__cause__ is not None
    names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__cause__.__traceback__)]
    assert names == ["fail"]
    assert before == after > 1
