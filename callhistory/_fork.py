"""A forked child has copies of its parent's clients, and must not use them."""

from __future__ import annotations

import os


class UsingProcess:
    """The process that first used something, and the only one that may use it."""

    def __init__(self) -> None:
        self._first: int | None = None

    def note(self) -> None:
        """Record the current process as the user."""
        self._first = os.getpid()

    @property
    def forked(self) -> bool:
        """Whether this process is a forked child, with a copy of what its parent used."""
        return self._first not in (None, os.getpid())

    def check(self) -> None:
        """Raise a RuntimeError in a forked child, as the connections belong to the parent."""
        if self.forked:
            raise RuntimeError(
                "this client was used before the process forked, and belongs to the parent; "
                "create another one in the child"
            )
