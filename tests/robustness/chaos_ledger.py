"""The ledger of a run of chaos: what was placed and delivered, and the resources it took."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import attrs

from callhistory import CallSessionEvent, UserSession
from tests.support.listening_clients import library_threads
from tests.support.waiting import wait_until


class Ledger:
    """Records every session and every envelope; any thread may call it.

    Attributes:
        live: how many sessions were delivered live.
        recovered: how many were delivered as recovered.
        live_after_recovered: how many of the live ones had been recovered before, as is allowed.
        repeated_envelopes: how many envelopes were delivered that had been delivered before.
        repeated_sessions: how many deliveries were one too many: live twice, recovered twice, or
            recovered after live.
        wrongly_marked: how many events came in an envelope and were marked as recovered, or did
            not and were not.
        strangers: how many sessions were delivered that nobody placed.
    """

    def __init__(self) -> None:
        self.live = self.recovered = self.live_after_recovered = 0
        self.repeated_envelopes = self.repeated_sessions = self.wrongly_marked = 0
        self._placed: set[str] = set()
        self._delivered: dict[str, tuple[int, int]] = {}  # live, recovered
        self._envelopes: set[str] = set()
        self._changed = threading.Condition()

    def place(self, session: UserSession) -> None:
        """Record a call that was placed."""
        with self._changed:
            self._placed.add(session.session_id)
            self._changed.notify_all()

    def hear(self, event: CallSessionEvent) -> None:
        """Record an event that was delivered."""
        with self._changed:
            self.wrongly_marked += event.recovered == (event.id is not None)
            if event.id is not None:
                self.repeated_envelopes += event.id in self._envelopes
                self._envelopes.add(event.id)
            for session in event.data.user_sessions.user_sessions:
                self._hear_of(session.session_id, recovered=event.recovered)
            self._changed.notify_all()

    def _hear_of(self, session_id: str, *, recovered: bool) -> None:
        lives, recoveries = self._delivered.get(session_id, (0, 0))
        if recovered:
            self.recovered += 1
            self.repeated_sessions += bool(lives or recoveries)
            recoveries += 1
        else:
            self.live += 1
            self.repeated_sessions += bool(lives)
            self.live_after_recovered += bool(recoveries and not lives)
            lives += 1
        self._delivered[session_id] = (lives, recoveries)

    @property
    def placed(self) -> int:
        """How many calls were placed."""
        return len(self._placed)

    @property
    def strangers(self) -> int:
        """How many sessions were delivered that nobody placed."""
        with self._changed:
            return len(self._delivered.keys() - self._placed)

    def lost(self) -> int:
        """Return how many of the calls that were placed were not delivered."""
        with self._changed:
            return len(self._placed - self._delivered.keys())

    def wait_for_all(self, timeout: float) -> bool:
        """Wait until every session is delivered; return whether that was in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._placed <= self._delivered.keys(), timeout)


@attrs.frozen
class Footprint:
    """The resources of the process, which has the sandbox in it.

    Attributes:
        threads: the library's own, without the sandbox's.
        rss: the resident memory in MiB; 0 where the system does not say.
        files: how many are open, sockets included; 0 where the system does not say.
        objects: how many of the library's objects there are.
    """

    threads: int
    rss: float
    files: int
    objects: int

    @classmethod
    def now(cls) -> Footprint:
        """Measure the process now."""
        gc.collect()
        modules = (type(thing).__module__ for thing in gc.get_objects())
        objects = sum(
            isinstance(module, str)
            and module.startswith("callhistory.")
            and not module.startswith("callhistory.sandbox")
            for module in modules
        )
        files, statm = Path("/proc/self/fd"), Path("/proc/self/statm")
        pages = int(statm.read_text().split()[1]) if statm.exists() else 0
        # The background has a thread while there is work, and some may be under way.
        wait_until(lambda: "callhistory-http-tasks" not in library_threads())
        return cls(
            len(library_threads()),
            pages * os.sysconf("SC_PAGE_SIZE") / 2**20 if pages else 0.0,
            len(list(files.iterdir())) if files.exists() else 0,
            objects,
        )

    def grown_to(self, later: Footprint, mib: float) -> list[str]:
        """Return what has grown; the memory may grow by so many MiB."""
        # What a recovery keeps for its next request comes and goes; a leak grows on.
        bounds = {"threads": 0, "rss": mib, "files": 12, "objects": 150}
        return [
            f"{name} grew from {getattr(self, name):,.0f} to {getattr(later, name):,.0f}"
            for name, bound in bounds.items()
            if getattr(later, name) - getattr(self, name) > bound
        ]
