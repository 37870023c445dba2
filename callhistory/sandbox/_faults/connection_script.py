"""Scripted faults of connections: what goes wrong with those that come next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from callhistory.sandbox._faults.script import Script

Stage = Literal["upgrade", "readiness"]


@attrs.frozen
class Closing:
    """How a connection is to be ended.

    Attributes:
        code: the code of the close frame; 1005 is one without a code, 1006 no close frame.
        reason: its reason.

    Raises:
        ValueError: no close frame can be made of it.
    """

    code: int
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.code <= 0xFFFF:
            raise ValueError("code must be from 0 to 65535")
        if self.reason and self.code in (1005, 1006):
            raise ValueError(f"{self.code} must be without a reason")
        if len(self.reason.encode()) > 123:
            raise ValueError("reason must be of at most 123 bytes")


@attrs.frozen
class ConnectionFaults:
    """What is still to go wrong.

    Attributes:
        refusals: how authorizations are refused.
        delays: how long readiness is delayed, in seconds.
        preludes: events that come before readiness.
        drops: how connections are ended as soon as they have reached a stage.
    """

    refusals: Script[Closing] = attrs.field(factory=Script)
    delays: Script[float] = attrs.field(factory=Script)
    preludes: Script[Mapping[str, Any]] = attrs.field(factory=Script)
    drops: Mapping[Stage, Script[Closing]] = attrs.field(
        factory=lambda: {"upgrade": Script(), "readiness": Script()}
    )

    def clear(self) -> None:
        """Forget it."""
        self.refusals.clear()
        self.delays.clear()
        self.preludes.clear()
        for drops in self.drops.values():
            drops.clear()
