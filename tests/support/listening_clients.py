"""A client that listens to a sandbox, and what it was told."""

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
    """What the signals of one client carried, in their order."""

    def __init__(self) -> None:
        self._events: list[Any] = []
        self._changed = threading.Condition()

    def note(self, client: CallHistoryClient, event: Any) -> None:
        """Receive an event."""
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def of(self, *kinds: type[E]) -> list[E]:
        """Give the events of some kinds."""
        with self._changed:
            return [event for event in self._events if isinstance(event, kinds)]

    def wait_for(self, kind: type[E], count: int = 1, timeout: float = 10.0) -> list[E]:
        """Wait until there were so many events of a kind, and give them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.of(kind)) >= count, timeout), (
                f"heard {self.of(kind)}, fewer than {count}"
            )
        return self.of(kind)

    @property
    def states(self) -> list[signals.Online | signals.Offline]:
        """How the connection came and went."""
        return self.of(signals.Online, signals.Offline)

    @property
    def session_ids(self) -> list[str]:
        """The ids of all sessions that were delivered, in their order."""
        return [session_id for event in self.of(CallSessionEvent) for session_id in ids_of(event)]

    def wait_for_sessions(self, count: int, timeout: float = 10.0) -> list[str]:
        """Wait until so many sessions were delivered, and give their ids."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.session_ids) >= count, timeout), (
                f"heard of {len(self.session_ids)} sessions, fewer than {count}"
            )
        return self.session_ids


def ids_of(event: CallSessionEvent) -> list[str]:
    """Give the ids of the sessions of an event."""
    return [session.session_id for session in event.data.user_sessions.user_sessions]


def offline(code: int | None, reason: str, *, reconnecting: bool = True) -> signals.Offline:
    """Say that the connection is down."""
    return signals.Offline(code=code, reason=reason, reconnecting=reconnecting)


def said_with(code: int) -> str:
    """Give the reason of a connection that was closed without one."""
    return f"Webex closed the connection with {code}"


def acknowledged(cloud: Sandbox) -> list[Any]:
    """Give the ids of the envelopes that were acknowledged, in their order."""
    return [frame.json["messageId"] for frame in cloud.frames_of("ack", direction="received")]


@contextmanager
def hearing(client: CallHistoryClient) -> Iterator[Heard]:
    """Note what a client's signals carry while a block runs."""
    heard = Heard()
    with ExitStack() as stack:
        for signal in _SIGNALS:
            stack.enter_context(signal.connected_to(heard.note, sender=client))
        yield heard


@contextmanager
def listening(
    cloud: Sandbox, *, user: Account | None = None, **options: Any
) -> Iterator[tuple[CallHistoryClient, Heard]]:
    """Give a client that listens while a block runs, and what it was told."""
    client = CallHistoryClient(cloud.webex(user=user, **({"_limits": BRISK} | options)))
    with hearing(client) as heard, client:
        client.listen()
        yield client, heard


def failure_of_listen(client: CallHistoryClient, timeout: float = 10.0) -> CallHistoryError:
    """Give the error of a listen() that fails; it leaves no thread behind."""
    before = len(library_threads())
    with pytest.raises(CallHistoryError) as raised:
        client.listen(timeout)
    assert not client.listening
    assert wait_until(lambda: len(library_threads()) == before), library_threads()
    return raised.value


def library_threads() -> list[str]:
    """Name the threads of the library itself, without the sandbox's."""
    return [
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith("callhistory") and "sandbox" not in thread.name
    ]
