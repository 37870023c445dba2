"""Scripts of faults: what is to fail next, in order, and how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Generic, Literal, TypeVar

import attrs

T = TypeVar("T")
Stage = Literal["upgrade", "readiness"]


class Script(Generic[T]):
    """Entries that are used one after the other; any thread may use it."""

    def __init__(self) -> None:
        self._entries: list[tuple[T, int | None]] = []
        self._lock = Lock()

    def add(self, entry: T, times: int = 1) -> None:
        """Append an entry that is used a number of times.

        Raises:
            ValueError: `times` is not a whole number of at least 1.
        """
        if type(times) is not int:
            raise ValueError("times must be a whole number")
        if times < 1:
            raise ValueError("times must be at least 1")
        with self._lock:
            self._entries.append((entry, times))

    def add_endless(self, entry: T) -> None:
        """Append an entry that is used until the script is cleared."""
        with self._lock:
            self._entries.append((entry, None))

    def take(self, fits: Callable[[T], bool] = lambda _: True) -> T | None:
        """Use the first entry that fits and return it; ``None`` if there is none."""
        with self._lock:
            for index, (entry, times) in enumerate(self._entries):
                if fits(entry):
                    if times == 1:
                        del self._entries[index]
                    elif times is not None:
                        self._entries[index] = entry, times - 1
                    return entry
        return None

    def clear(self) -> None:
        """Delete the entries that are left."""
        with self._lock:
            self._entries.clear()


@attrs.frozen
class Closing:
    """How to end a connection.

    Attributes:
        code: the code of the close frame; 1005 for a frame without a code, 1006 for no frame.
        reason: its reason.

    Raises:
        ValueError: a close frame cannot hold them.
    """

    code: int
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.code <= 0xFFFF:
            raise ValueError("code must be from 0 to 65535")
        if self.reason and self.code in (1005, 1006):
            raise ValueError(f"reason must be empty with code {self.code}")
        if len(self.reason.encode()) > 123:
            raise ValueError("reason must be at most 123 bytes long")


@attrs.frozen
class ConnectionScript:
    """The scripted faults of the next connections.

    Attributes:
        refusals: how authorizations are refused.
        delays: the seconds by which readiness is delayed.
        preludes: events that are sent before readiness.
        drops: how connections end as soon as they have reached a stage.
    """

    refusals: Script[Closing] = attrs.field(factory=Script)
    delays: Script[float] = attrs.field(factory=Script)
    preludes: Script[Mapping[str, Any]] = attrs.field(factory=Script)
    drops: Mapping[Stage, Script[Closing]] = attrs.field(
        factory=lambda: {"upgrade": Script(), "readiness": Script()}
    )

    def clear(self) -> None:
        """Delete all of them."""
        self.refusals.clear()
        self.delays.clear()
        self.preludes.clear()
        for drops in self.drops.values():
            drops.clear()
