"""The thread that receivers run in: in order, one at a time, and how it ends."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from callhistory import CallHistoryEvent, signals
from callhistory._live.dispatcher import Dispatcher
from callhistory._live.handlers import Handlers
from callhistory.signals import HistorySignal
from tests.support.waiting import wait_until

LOG = logging.getLogger("tests.dispatcher")
NAME = CallHistoryEvent.USER_RECENT_SESSIONS


class Program:
    """A dispatcher, and a signal and a handler of its own to hear what it delivers."""

    def __init__(self) -> None:
        self.handlers = Handlers()
        self.signal = HistorySignal(NAME)
        self.dispatcher = Dispatcher(self, self.handlers, LOG)

    def on(self, handler: Callable[[Any], Any]) -> None:
        self.handlers.add(NAME, handler)

    def put(self, *events: Any) -> None:
        for event in events:
            self.dispatcher.put(self.signal, event)

    def ended(self) -> bool:
        self.dispatcher.thread.join(10)
        return not self.dispatcher.thread.is_alive()


@pytest.fixture
def program() -> Iterator[Program]:
    running = Program()
    running.dispatcher.thread.start()
    yield running
    running.dispatcher.close()
    assert running.ended()


@contextlib.contextmanager
def a_slow_handler(program: Program) -> Iterator[list[Any]]:
    """Let a handler hold the thread until the end of the block; give what it was called with."""
    called: list[Any] = []
    go_on = threading.Event()

    def slow(event: Any) -> None:
        called.append(event)
        go_on.wait(10)

    program.on(slow)
    try:
        yield called
    finally:
        go_on.set()


def test_events_are_delivered_in_order(program: Program) -> None:
    """A thousand events arrive in the order in which they were put."""
    heard: list[int] = []
    program.on(heard.append)

    program.put(*range(1000))

    assert wait_until(lambda: len(heard) == 1000)
    assert heard == list(range(1000))


def test_all_receivers_run_in_its_thread_one_at_a_time(program: Program) -> None:
    """Handlers and receivers never run at once, and always in the dispatcher's own thread."""
    running = threading.Lock()
    threads: set[int] = set()
    calls: list[bool] = []

    def handler(_event: Any) -> None:
        alone = running.acquire(blocking=False)
        threads.add(threading.get_ident())
        time.sleep(0)  # let another thread in, if there is one
        calls.append(alone)
        if alone:
            running.release()

    def receiver(_client: Any, event: Any) -> None:
        handler(event)

    program.on(handler)
    program.signal.connect(receiver)
    putting = [threading.Thread(target=program.put, args=range(50)) for _ in range(4)]
    for thread in putting:
        thread.start()
    for thread in putting:
        thread.join(10)

    assert wait_until(lambda: len(calls) == 400)
    assert all(calls)
    assert threads == {program.dispatcher.thread.ident}


def test_the_thread_does_not_keep_a_program_alive(program: Program) -> None:
    """It is a daemon, and has a name that says what it is for."""
    assert program.dispatcher.thread.daemon
    assert program.dispatcher.thread.name == "callhistory-receivers"


def test_the_sender_is_the_one_it_was_made_for(program: Program) -> None:
    """Receivers get the dispatcher's sender and the event; handlers get the event."""
    calls: list[Any] = []

    def receiver(client: Any, event: Any) -> None:
        calls.append((client, event))

    program.signal.connect(receiver, sender=program)
    program.on(calls.append)
    program.put("event")

    assert wait_until(lambda: len(calls) == 2)
    assert calls == ["event", (program, "event")]


def test_signals_without_handlers(program: Program) -> None:
    """An event of the connection goes to the receivers of its signal alone."""
    calls: list[Any] = []
    handled: list[Any] = []

    def receiver(_client: Any, event: Any) -> None:
        calls.append(event)

    for name in CallHistoryEvent:
        program.handlers.add(name, handled.append)
    with signals.online.connected_to(receiver, sender=program):
        program.dispatcher.put(signals.online, signals.Online())
        assert wait_until(lambda: calls)

    assert calls == [signals.Online()]
    assert handled == []


def test_a_slow_receiver_does_not_hold_up_those_who_put(program: Program) -> None:
    """Events are taken while a receiver sleeps, and delivered after it, none of them lost."""
    with a_slow_handler(program) as called:
        heard: list[int] = []
        program.on(heard.append)
        program.put(0)
        assert wait_until(lambda: called == [0])

        program.put(*range(1, 500))
        assert called == [0]
        assert heard == []

    assert wait_until(lambda: len(heard) == 500)
    assert heard == list(range(500))


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_receiver_that_raises_does_not_end_the_thread(
    error: type[BaseException], program: Program
) -> None:
    """Whatever a receiver raises, it hears the next event, and so do the others."""
    heard: list[int] = []

    def bad(_event: Any) -> None:
        raise error

    program.on(bad)
    program.on(heard.append)
    program.put(1, 2, 3)

    assert wait_until(lambda: heard == [1, 2, 3])


def test_a_queue_that_grows_is_told_once(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    """When a thousand events wait for a slow receiver, the log says so, without the events."""
    with a_slow_handler(program) as called:
        program.put("secret")
        assert wait_until(lambda: called)
        program.put(*["secret"] * 999)
        assert caplog.records == []

        program.put("secret", "secret")

        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert caplog.messages == ["1000 events wait for a slow receiver"]


def test_close_ends_the_thread(program: Program) -> None:
    """A dispatcher that has nothing to deliver ends at once, and says nothing."""
    program.dispatcher.close()

    assert program.ended()


def test_close_delivers_the_last_event_only(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    """Of what waits nothing is delivered any more, but for the one event that close() names."""
    caplog.set_level(logging.INFO)
    heard: list[Any] = []
    program.on(heard.append)
    with a_slow_handler(program) as called:
        program.put("first")
        assert wait_until(lambda: called)
        program.put("secret", "secret")

        program.dispatcher.close((program.signal, "last"))
        program.put("secret")

    assert program.ended()
    assert heard == ["first", "last"]
    assert called == ["first", "last"]
    assert caplog.messages == ["closed: 3 events were not delivered"]


def test_close_without_a_last_event(program: Program) -> None:
    """Without one, what a receiver is in the middle of is the end."""
    heard: list[Any] = []
    program.on(heard.append)
    with a_slow_handler(program) as called:
        program.put("first")
        assert wait_until(lambda: called)
        program.put("second")

        program.dispatcher.close()

    assert program.ended()
    assert heard == ["first"]


def test_close_from_a_receiver(program: Program) -> None:
    """A receiver may close it: the others hear the event, then comes the last one, and the end."""
    heard: list[Any] = []

    def closes(event: Any) -> None:
        if event == "first":
            program.dispatcher.close((program.signal, "last"))

    program.on(closes)
    program.on(heard.append)
    program.put("first", "second", "third")

    assert program.ended()
    assert heard == ["first", "last"]


def test_what_is_put_after_the_end(program: Program) -> None:
    """An event that comes when all is over is taken, and delivered to nobody."""
    heard: list[Any] = []
    program.on(heard.append)
    program.dispatcher.close()
    assert program.ended()

    program.put("late")

    assert heard == []


def test_a_last_event_whose_receiver_raises(program: Program) -> None:
    """The thread ends also when the last thing it does fails."""

    def bad(_event: Any) -> None:
        raise SystemExit

    program.on(bad)
    program.dispatcher.close((program.signal, "last"))

    assert program.ended()
