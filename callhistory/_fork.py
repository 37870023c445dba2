"""A forked child has copies of its parent's clients, and must not use them."""

from __future__ import annotations

import os


class UsingProcess:
    """The process that was the first to use something, and the only one that may."""

    def __init__(self) -> None:
        self._first: int | None = None

    def note(self) -> None:
        """Note that this process uses it."""
        self._first = os.getpid()

    @property
    def forked(self) -> bool:
        """Whether this is a copy, in a forked child, of what the parent has used."""
        return self._first not in (None, os.getpid())

    def check(self) -> None:
        """Raise a RuntimeError in a forked child: what is open is the parent's."""
        if self.forked:
            raise RuntimeError(
                "this client was used before the process forked, and stays the parent's; "
                "make another one in the child"
            )
