"""Each event is delivered once, live or recovered."""

from __future__ import annotations

import itertools
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, cast

import pytest

from callhistory import CallSessionEvent, UserSession, from_wire
from callhistory._live.deduplication import Deduplicator, RecentIds
from callhistory._live.dispatcher import Dispatcher
from callhistory._logging import NeverRaisingLog
from tests.support.wire_samples import a_session

LOG = NeverRaisingLog(logging.getLogger("tests.deduplication"), {})


def ids_in(event: CallSessionEvent) -> list[str]:
    """Return the session ids in an event."""
    return [session.id for session in event.data.user_sessions.user_sessions]


def recent(*sessions: Any) -> dict[str, Any]:
    data = {"eventType": "janus.user_recent_sessions"}
    return {"data": data | {"userSessions": {"userSessions": list(sessions)}}}


@pytest.mark.parametrize("size", [1, 2, 100])
def test_recent_ids_forget_the_oldest(size: int) -> None:
    """Of more ids than its size, the latest are known, and no others."""
    recent_ids = RecentIds(size)
    for number in range(size + 1):
        recent_ids.add(number)

    assert [recent_ids.add(number) for number in range(size, 0, -1)] == [False] * size
    assert recent_ids.add(0)


def test_a_text_is_not_a_number() -> None:
    """The ids 1 and "1" are two."""
    ids = RecentIds(10)

    assert ids.add(1)
    assert ids.add("1")
    assert not ids.add(1)


def test_id_that_is_added_again_is_not_the_oldest() -> None:
    """An id that is added now and then is not forgotten, however many others come."""
    recent_ids = RecentIds(3)
    recent_ids.add("kept")

    for number in range(100):
        assert recent_ids.add(number)
        assert not recent_ids.add("kept")


def test_recent_ids_of_several_threads() -> None:
    """Each id is new to exactly one of the threads that add it."""
    ids = range(2000)
    recent_ids = RecentIds(len(ids))
    begin = threading.Barrier(4)

    def add_all(_: int) -> list[int]:
        begin.wait(5)
        return [each for each in ids if recent_ids.add(each)]

    with ThreadPoolExecutor(4) as pool:
        new = list(pool.map(add_all, range(4)))

    assert sorted(itertools.chain(*new)) == list(ids)


class Dispatched:
    """Stands in for a dispatcher, and records what it is to deliver."""

    def __init__(self) -> None:
        self.ids: list[list[str]] = []

    def put(self, signal: Any, event: CallSessionEvent) -> None:
        self.ids.append(ids_in(event))


def a_deduplicator() -> tuple[Deduplicator, Dispatched]:
    dispatched = Dispatched()
    return Deduplicator(cast(Dispatcher, dispatched), LOG, 10), dispatched


def test_recovered_session_from_before_the_beginning_is_not_dispatched() -> None:
    """What ended before `began` is not dispatched; what ended at that moment is."""
    deduplicator, dispatched = a_deduplicator()
    session = from_wire(UserSession, a_session(sessionId="a", id="a"))
    deduplicator.receive_recovered([session], session.end_time + timedelta(milliseconds=1))
    assert dispatched.ids == []

    deduplicator.receive_recovered([session], session.end_time)
    assert dispatched.ids == [["a"]]


def test_live_event_of_a_recovered_session_is_dispatched() -> None:
    """A session that changes after it was recovered is heard of again."""
    deduplicator, dispatched = a_deduplicator()
    session = from_wire(UserSession, a_session(sessionId="a", id="a"))
    deduplicator.receive_recovered([session], session.end_time)
    deduplicator.receive(recent(a_session(sessionId="a", id="a")))

    assert dispatched.ids == [["a"], ["a"]]
