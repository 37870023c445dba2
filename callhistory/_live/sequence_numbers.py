"""Detecting lost frames: sequence numbers count up by one."""

from __future__ import annotations


class SequenceNumbers:
    """The sequence numbers of one connection, in the order of their arrival."""

    def __init__(self) -> None:
        self._last: int | None = None

    def follows(self, number: int) -> bool:
        """Return whether a number follows the last one, so that no frame is missing in between.

        The first number follows, and so does one that is not higher than the last: a server may
        restart its count or send a frame again.
        """
        last, self._last = self._last, number
        return last is None or number <= last + 1
