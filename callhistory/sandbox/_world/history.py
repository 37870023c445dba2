"""The call history of one user."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from threading import Lock

from callhistory._records.timestamps import epoch_ms, read_time
from callhistory.sandbox._world.session_json import Wire

Pair = tuple[int, str]


class History:
    """The sessions of one user; any thread may use it.

    A session is identified by a pair: its end time in milliseconds since 1970, and its id.
    Sessions are never changed in place, so that a page can be written while another thread changes
    them.
    """

    def __init__(self, sessions: Iterable[Wire] = ()) -> None:
        self._sessions: dict[Pair, Wire] = {_pair_of(session): session for session in sessions}
        self._lock = Lock()

    def add(self, session: Wire) -> None:
        """Add a session, which nobody may change; it replaces the one with the same pair."""
        with self._lock:
            self._sessions[_pair_of(session)] = session

    def fetch(
        self,
        since: datetime,
        *,
        limit: int | None = None,
        descending: bool = True,
        new_session_types: bool = True,
        shared_sessions: bool = True,
    ) -> list[Wire]:
        """Return the sessions that ended at ``since`` or later, sorted by end time.

        Args:
            since: an aware time.
            limit: the maximum number of sessions, counted after sorting; ``None`` means all.
            descending: whether the latest session comes first.
            new_session_types: whether to include types other than ``SPARK``.
            shared_sessions: whether to include ``WEBEXCALLING_SHARED`` as well.
        """
        first = epoch_ms(since)
        with self._lock:
            found = [
                (pair, session)
                for pair, session in self._sessions.items()
                if pair[0] >= first
                and (new_session_types or session["sessionType"] == "SPARK")
                and (shared_sessions or session["sessionType"] != "WEBEXCALLING_SHARED")
            ]
        found.sort(key=lambda entry: entry[0], reverse=descending)
        return [session for _, session in found[:limit]]

    def mark_read(self, pairs: Iterable[Pair]) -> list[str]:
        """Mark sessions as read and return the ids of those that exist."""
        with self._lock:
            found = [pair for pair in dict.fromkeys(pairs) if pair in self._sessions]
            for pair in found:
                self._sessions[pair] = {**self._sessions[pair], "isRead": True}
        return [session_id for _, session_id in found]

    def delete(self, pairs: Iterable[Pair]) -> list[str]:
        """Delete sessions and return the ids of those that existed."""
        with self._lock:
            found = [pair for pair in dict.fromkeys(pairs) if self._sessions.pop(pair, None)]
        return [session_id for _, session_id in found]


def _pair_of(session: Wire) -> Pair:
    return epoch_ms(read_time(session["endTime"])), session["sessionId"]
