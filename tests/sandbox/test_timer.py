"""Actions that run later."""

from __future__ import annotations

import math
from collections.abc import Iterator
from threading import Event

import pytest

from callhistory.sandbox._timer import Timer


@pytest.fixture
def timer() -> Iterator[Timer]:
    running = Timer("callhistory-sandbox-probe")
    running.start()
    yield running
    running.close()
    running.join(5)


def test_timer_keeps_to_the_times(timer: Timer) -> None:
    """Actions run in the order of their times."""
    done: list[str] = []
    over = Event()
    timer.after(0.05, over.set)
    timer.after(0.02, lambda: done.append("second"))
    timer.after(0.01, lambda: done.append("first"))
    timer.after(math.inf, lambda: done.append("never"))

    assert over.wait(5)
    assert done == ["first", "second"]


def test_closed_timer_does_nothing(timer: Timer) -> None:
    """After closing no action runs, and the thread has ended."""
    done: list[str] = []
    timer.after(0.01, lambda: done.append("before"))
    timer.close()
    timer.after(0, lambda: done.append("after"))
    timer.join(5)

    assert done == []
