"""The place in a response that cannot be read, such as ``userSessions[3].startTime``."""

from __future__ import annotations

from .._errors import DecodeError


class Unreadable(Exception):  # noqa: N818 - becomes a DecodeError before a caller sees it
    """A required value is missing or has another type than documented."""

    def __init__(self, expected: str, found: str, *path: str | int) -> None:
        self.expected = expected
        self.found = found
        self.path = path

    def below(self, part: str | int) -> Unreadable:
        """Return the same problem, with the path extended by one level at its start."""
        return Unreadable(self.expected, self.found, part, *self.path)

    def as_decode_error(self) -> DecodeError:
        """Return the error for the caller."""
        path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path)
        return DecodeError(path.removeprefix(".") or "$", self.expected, self.found)
