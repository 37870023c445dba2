"""Calls that happen by themselves, and whatever else is done later."""

from __future__ import annotations

import math
from collections.abc import Iterator
from threading import Event

import pytest

from callhistory.sandbox import Sandbox
from callhistory.sandbox._timer import Agenda
from tests.sandbox.device_client import RECENT, Device
from tests.sandbox.http_client import Http


@pytest.fixture
def agenda() -> Iterator[Agenda]:
    running = Agenda("callhistory-sandbox-probe")
    running.start()
    yield running
    running.close()
    running.join(5)


def test_calls_happen_by_themselves() -> None:
    """Calls of all dispositions, by several people, come in one after the other."""
    with Sandbox(sessions=0, chatter=0.01) as cloud, Device(cloud).connected():
        events = cloud.wait_for_frames(RECENT, count=14, timeout=10)
        with Http(cloud) as http:
            assert len(http.sessions()) >= 14

    sessions = [event.json["data"]["userSessions"]["userSessions"][0] for event in events]
    assert {session["disposition"].upper() for session in sessions} == {
        "ANSWERED",
        "CANCELED",
        "INITIATED",
        "MISSED",
    }
    assert len({session["other"].get("name") for session in sessions}) > 3


def test_first_call_comes_after_the_interval() -> None:
    """Nothing happens before the first interval is over."""
    with Sandbox(sessions=0, chatter=3600) as cloud, Http(cloud) as http:
        assert http.sessions() == []


def test_calls_end_with_the_sandbox() -> None:
    """After closing no call happens, and after starting again they do."""
    with Sandbox(sessions=0, chatter=0.01) as cloud, Device(cloud).connected():
        cloud.wait_for_frames(RECENT, timeout=10)
        cloud.close()
        silence = len(cloud.frames_of(RECENT))
        cloud.start()
        with Device(cloud).connected():
            assert len(cloud.wait_for_frames(RECENT, count=silence + 1, timeout=10)) > silence


@pytest.mark.parametrize("argument", ["chatter", "ack_timeout"])
@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_wrong_interval_is_named(argument: str, value: float) -> None:
    """An interval that is not positive is refused by its name."""
    with pytest.raises(ValueError, match=argument):
        Sandbox(**{argument: value})  # type: ignore[arg-type]


def test_agenda_keeps_to_the_times(agenda: Agenda) -> None:
    """What is due first is done first, whatever was noted first."""
    done: list[str] = []
    over = Event()
    agenda.after(0.05, over.set)
    agenda.after(0.02, lambda: done.append("second"))
    agenda.after(0.01, lambda: done.append("first"))
    agenda.after(math.inf, lambda: done.append("never"))

    assert over.wait(5)
    assert done == ["first", "second"]


def test_closed_agenda_does_nothing(agenda: Agenda) -> None:
    """After closing nothing is done, and the thread has ended."""
    done: list[str] = []
    agenda.after(0.01, lambda: done.append("before"))
    agenda.close()
    agenda.after(0, lambda: done.append("after"))
    agenda.join(5)

    assert done == []
