"""Clients that listen to a sandbox, and what their signals carried."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import pytest

from callhistory import CallHistoryClient, CallHistoryError, CallSessionEvent, signals
from callhistory.sandbox import Account, Sandbox
from tests.support.limits import BRISK
from tests.support.waiting import wait_until

RECENT = "callHistory:user_recent_sessions"
VIEWED = "callHistory:user_viewed_sessions"
DELETED = "callHistory:user_sessions_deleted"

_SIGNALS = (
    signals.user_recent_sessions,
    signals.user_viewed_sessions,
    signals.user_sessions_deleted,
    signals.online,
    signals.offline,
    signals.receiver_failed,
)

ONLINE = signals.Online()

E = TypeVar("E")


class Heard:
    """What the signals of one client carried, in order."""

    def __init__(self) -> None:
        self._events: list[Any] = []
        self._changed = threading.Condition()

    def note(self, client: CallHistoryClient, event: Any) -> None:
        """Record an event, as a receiver."""
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def of(self, *kinds: type[E]) -> list[E]:
        """Return the events of some kinds."""
        with self._changed:
            return [event for event in self._events if isinstance(event, kinds)]

    def wait_for(self, kind: type[E], count: int = 1, timeout: float = 10.0) -> list[E]:
        """Wait until there are ``count`` events of a kind, and return all of that kind."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.of(kind)) >= count, timeout), (
                f"heard {self.of(kind)}, fewer than {count}"
            )
        return self.of(kind)

    @property
    def states(self) -> list[signals.Online | signals.Offline]:
        """The events of the connection, in order."""
        return self.of(signals.Online, signals.Offline)

    @property
    def session_ids(self) -> list[str]:
        """The ids of all sessions that were delivered, in order."""
        return [session_id for event in self.of(CallSessionEvent) for session_id in ids_of(event)]

    def wait_for_sessions(self, count: int, timeout: float = 10.0) -> list[str]:
        """Wait until ``count`` sessions are delivered, and return the ids of all."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.session_ids) >= count, timeout), (
                f"heard of {len(self.session_ids)} sessions, fewer than {count}"
            )
        return self.session_ids


def ids_of(event: CallSessionEvent) -> list[str]:
    """Return the ids of the sessions of an event."""
    return [session.session_id for session in event.data.user_sessions.user_sessions]


def offline(code: int | None, reason: str, *, reconnecting: bool = True) -> signals.Offline:
    """Return the event of a connection that is down."""
    return signals.Offline(code=code, reason=reason, reconnecting=reconnecting)


def acknowledged(cloud: Sandbox) -> list[Any]:
    """Return the ids of the acknowledged envelopes, in order."""
    return [frame.json["messageId"] for frame in cloud.frames_of("ack", direction="received")]


@contextmanager
def hearing(client: CallHistoryClient) -> Iterator[Heard]:
    """Record what a client's signals carry during a block."""
    heard = Heard()
    with ExitStack() as stack:
        for signal in _SIGNALS:
            stack.enter_context(signal.connected_to(heard.note, sender=client))
        yield heard


@contextmanager
def listening(
    cloud: Sandbox, *, user: Account | None = None, **options: Any
) -> Iterator[tuple[CallHistoryClient, Heard]]:
    """Return a client that listens during a block, and what its signals carry."""
    client = CallHistoryClient(cloud.webex(user=user, **({"_limits": BRISK} | options)))
    with hearing(client) as heard, client:
        client.listen()
        yield client, heard


def failure_of_listen(client: CallHistoryClient, timeout: float = 10.0) -> CallHistoryError:
    """Return the error of a listen() that fails, which leaves no thread behind."""
    before = len(library_threads())
    with pytest.raises(CallHistoryError) as raised:
        client.listen(timeout)
    assert not client.listening
    assert wait_until(lambda: len(library_threads()) == before), library_threads()
    return raised.value


def library_threads() -> list[str]:
    """Return the names of the library's threads, without the sandbox's."""
    return [
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith("callhistory") and "sandbox" not in thread.name
    ]
