"""A JSON text that is decoded and parsed piece by piece, so that it is never in memory as a whole.

As a ``str``, a text takes as much memory as its bytes, or four times as much if it has an emoji.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

_PIECE = 64 * 1024
_MARGIN = 4 * 1024  # most sessions are shorter
_NO_SPACE = re.compile(r"[^ \t\n\r]")


class JsonText:
    """A JSON text, and the place up to which it has been read.

    Its methods raise a ``ValueError`` for whatever is no JSON.

    Args:
        body: the text, in UTF-8.
        scan: returns the value that begins at a place of a ``str``, and the place after it, as the
            ``scan_once`` of a :class:`json.JSONDecoder`.
    """

    def __init__(self, body: bytes, scan: Callable[[str, int], tuple[Any, int]]) -> None:
        self._body = memoryview(body)
        self._decoded = 0  # so many bytes are in the piece, or were in an earlier one
        self._scan = scan
        self._piece = ""
        self._at = 0

    def fields(self) -> Iterator[str]:
        """Yield the name of each field of an object; the value is to be read before the next."""
        self._expect("{")
        if self._follows("}"):
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise ValueError("the name is not a string")  # noqa: TRY004 - as for any text
            self._expect(":")
            yield name
            if not self._follows(","):
                break
        self._expect("}")

    def items(self) -> Iterator[Any]:
        """Yield each item of an array."""
        self._expect("[")
        if self._follows("]"):
            return
        while True:
            yield self.value()
            if not self._follows(","):
                break
        self._expect("]")

    def value(self) -> Any:
        """Return the value that follows."""
        # A scan that meets the end of the piece costs as much as twenty sessions: the error counts
        # the lines of the piece.
        if len(self._piece) - self._at < _MARGIN:
            self._add_piece()
        if self._piece[self._at : self._at + 1] <= " ":
            self._skip_space()
        while True:
            try:
                value, end = self._scan(self._piece, self._at)
            except (ValueError, StopIteration):
                if not self._add_piece():
                    raise ValueError("no value follows") from None
            else:
                # A value that ends with the piece, such as a number, may go on in the next one.
                if end < len(self._piece) or not self._add_piece():
                    self._at = end
                    return value

    def end(self) -> None:
        """Check that nothing follows."""
        self._skip_space()
        if self._at < len(self._piece):
            raise ValueError("something follows")

    def _expect(self, mark: str) -> None:
        if not self._follows(mark):
            raise ValueError(f"{mark} does not follow")

    def _follows(self, mark: str) -> bool:
        """Return whether a mark follows, and if so, go past it."""
        if self._piece[self._at : self._at + 1] != mark:
            self._skip_space()
            if self._piece[self._at : self._at + 1] != mark:
                return False
        self._at += 1
        return True

    def _skip_space(self) -> None:
        while True:
            found = _NO_SPACE.search(self._piece, self._at)
            if found is not None:
                self._at = found.start()
                return
            self._at = len(self._piece)
            if not self._add_piece():
                return

    def _add_piece(self) -> bool:
        """Drop what has been read, and add the next piece; return ``False`` if there is none.

        A piece is as long as what is left, so that a long value is not scanned too often.
        """
        if self._decoded == len(self._body):
            return False
        left = len(self._piece[self._at :].encode())
        upto = self._decoded + max(_PIECE, left)
        for _ in range(3):  # a character has at most four bytes
            if upto < len(self._body) and self._body[upto] & 0xC0 == 0x80:
                upto += 1
        self._piece = str(self._body[self._decoded - left : upto], "utf-8")
        self._decoded = min(upto, len(self._body))
        self._at = 0
        return True
