"""How the next connections are to fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from callhistory.sandbox._faults.script import Script

Stage = Literal["upgrade", "readiness"]


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
