"""Other people's words fit for a log; the frames of errors are in contracts/test_redaction.py."""

from __future__ import annotations

import pytest

from callhistory._redaction import public_words, without_frames


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
