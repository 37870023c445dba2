"""The envelopes that devices have not acknowledged."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from callhistory.sandbox._mercury.envelopes import Envelope

_KEPT = 10_000  # of one device


class Unacknowledged:
    """What devices were sent and have not acknowledged; any thread may call it."""

    def __init__(self) -> None:
        self._envelopes: dict[str, dict[str, Envelope]] = {}
        self._lock = Lock()

    def add(self, device_url: str, envelope: Envelope) -> None:
        """Note that a device is sent an envelope; of too many, the oldest is forgotten."""
        with self._lock:
            envelopes = self._envelopes.setdefault(device_url, {})
            envelopes[envelope["id"]] = envelope
            if len(envelopes) > _KEPT:
                del envelopes[next(iter(envelopes))]

    def acknowledge(self, device_url: str, envelope_id: str) -> None:
        """Note that a device has an envelope."""
        with self._lock:
            self._envelopes.get(device_url, {}).pop(envelope_id, None)

    def includes(self, device_url: str, envelope: Envelope) -> bool:
        """Whether a device still has to acknowledge an envelope."""
        with self._lock:
            return envelope["id"] in self._envelopes.get(device_url, {})

    def of(self, device_url: str) -> tuple[Envelope, ...]:
        """Give what a device has not acknowledged, the oldest first."""
        with self._lock:
            return tuple(self._envelopes.get(device_url, {}).values())

    def keep_only(self, device_urls: Iterable[str]) -> None:
        """Forget what concerns other devices than these."""
        present = set(device_urls)
        with self._lock:
            for url in self._envelopes.keys() - present:
                del self._envelopes[url]
