"""The signals: who hears what, and what becomes of a receiver that raises."""

from __future__ import annotations

import functools
import gc
import inspect
import logging
from collections.abc import Callable
from typing import Any

import blinker
import pytest

from callhistory import CallHistoryEvent, signals
from callhistory.signals import (
    BY_NAME,
    HistorySignal,
    Offline,
    Online,
    ReceiverFailed,
    deliver,
    receiver_failed,
    replaces,
)

LOG = logging.getLogger("tests.signals")
SECRET = "Ada, +12065550102"


class Sender:
    """Stands for a client."""


@pytest.fixture
def signal() -> HistorySignal:
    return HistorySignal("tests:signal")


@pytest.fixture
def sender() -> Sender:
    return Sender()


def run_cell(source: str, **names: Any) -> dict[str, Any]:
    """Run a notebook's cell: its functions are those of ``__main__``."""
    namespace = {"__name__": "__main__", "functools": functools, **names}
    exec(inspect.cleandoc(source), namespace)
    return namespace


def raising(error: BaseException) -> Callable[..., None]:
    def raises(*_args: Any, **_kwargs: Any) -> None:
        raise error

    return raises


# --- who hears ---


def test_a_receiver_gets_the_sender_and_the_event(signal: HistorySignal, sender: Sender) -> None:
    """A receiver is called with the sender and the keyword event, and nothing else."""
    calls: list[tuple[Any, Any]] = []

    def receiver(*args: Any, **kwargs: Any) -> None:
        calls.append((args, kwargs))

    signal.connect(receiver)
    deliver(signal, sender, "an event", LOG)

    assert calls == [((sender,), {"event": "an event"})]


def test_a_handler_gets_the_event_alone_and_first(signal: HistorySignal, sender: Sender) -> None:
    """Handlers are called with the event alone, in their order, before any receiver."""
    calls: list[Any] = []

    def receiver(_sender: Any, event: str) -> None:
        calls.append(("receiver", event))

    def second(*args: Any, **kwargs: Any) -> None:
        calls.append(("second", args, kwargs))

    signal.connect(receiver)
    deliver(signal, sender, "event", LOG, [lambda event: calls.append(("first", event)), second])

    assert calls == [("first", "event"), ("second", ("event",), {}), ("receiver", "event")]


def test_receivers_for_one_sender_and_for_all(signal: HistorySignal) -> None:
    """A receiver that was connected to a sender hears that one; one without hears all."""
    one, other = Sender(), Sender()
    heard: list[tuple[str, Any]] = []

    def of_one(client: Any, event: Any) -> None:
        heard.append(("one", client))

    def of_all(client: Any, event: Any) -> None:
        heard.append(("all", client))

    signal.connect(of_one, sender=one)
    signal.connect(of_all)
    deliver(signal, one, None, LOG)
    deliver(signal, other, None, LOG)

    assert sorted(heard[:2], key=str) == sorted([("one", one), ("all", one)], key=str)
    assert heard[2:] == [("all", other)]


def test_what_is_connected_weakly_is_gone_with_its_last_reference(
    signal: HistorySignal, sender: Sender
) -> None:
    """A lambda, or a method of an object that nobody holds, is not called."""
    calls: list[str] = []

    class Screen:
        def show(self, _client: Any, event: str) -> None:
            calls.append(event)

    signal.connect(lambda _client, event: calls.append(event))
    signal.connect(Screen().show)
    gc.collect()
    deliver(signal, sender, "event", LOG)

    assert calls == []


def test_a_method_lives_as_long_as_its_object(signal: HistorySignal, sender: Sender) -> None:
    """A bound method that is connected weakly is called for as long as its object is held."""
    calls: list[str] = []

    class Screen:
        def show(self, _client: Any, event: str) -> None:
            calls.append(event)

    screen = Screen()
    signal.connect(screen.show)
    deliver(signal, sender, "while held", LOG)
    del screen
    gc.collect()
    deliver(signal, sender, "after", LOG)

    assert calls == ["while held"]


def test_what_is_connected_strongly_stays(signal: HistorySignal, sender: Sender) -> None:
    """With weak=False the signal itself holds a lambda or a method."""
    calls: list[str] = []

    class Screen:
        def show(self, _client: Any, event: str) -> None:
            calls.append(f"method: {event}")

    signal.connect(lambda _client, event: calls.append(f"lambda: {event}"), weak=False)
    signal.connect(Screen().show, weak=False)
    gc.collect()
    deliver(signal, sender, "event", LOG)

    assert sorted(calls) == ["lambda: event", "method: event"]


def test_the_ways_of_blinker_to_connect(signal: HistorySignal, sender: Sender) -> None:
    """connect() as a decorator, connect_via() and connected_to() do what blinker says."""
    calls: list[str] = []

    @signal.connect
    def plain(_client: Any, event: Any) -> None:
        calls.append("connect")

    @signal.connect_via(sender)
    def via(_client: Any, event: Any) -> None:
        calls.append("connect_via")

    def temporarily(_client: Any, event: Any) -> None:
        calls.append("connected_to")

    with signal.connected_to(temporarily, sender=sender):
        deliver(signal, sender, None, LOG)
    assert sorted(calls) == ["connect", "connect_via", "connected_to"]

    calls.clear()
    deliver(signal, Sender(), None, LOG)
    assert calls == ["connect"]


def test_a_receiver_that_is_connected_twice_is_called_once(
    signal: HistorySignal, sender: Sender
) -> None:
    """The same receiver, for all and for one sender, is called once for each event."""
    calls: list[Any] = []

    def receiver(_client: Any, event: Any) -> None:
        calls.append(event)

    signal.connect(receiver)
    signal.connect(receiver)
    signal.connect(receiver, sender=sender)
    deliver(signal, sender, "event", LOG)

    assert calls == ["event"]


def test_a_muted_signal(signal: HistorySignal, sender: Sender) -> None:
    """In a muted() block no receiver is called, as with blinker's own send(); handlers are."""
    calls: list[str] = []

    def receiver(_client: Any, event: Any) -> None:
        calls.append("receiver")

    signal.connect(receiver)
    with signal.muted():
        deliver(signal, sender, None, LOG, [lambda _event: calls.append("handler")])
    assert calls == ["handler"]

    deliver(signal, sender, None, LOG)
    assert calls == ["handler", "receiver"]


def test_receivers_that_come_and_go_during_delivery(signal: HistorySignal, sender: Sender) -> None:
    """What a receiver connects or disconnects counts from the next event on."""
    calls: list[str] = []

    def late(_client: Any, event: str) -> None:
        calls.append(f"late {event}")

    def leaves(_client: Any, event: str) -> None:
        calls.append(f"leaves {event}")
        signal.disconnect(leaves)
        signal.disconnect(leaves_too)
        signal.connect(late)

    def leaves_too(_client: Any, event: str) -> None:
        calls.append(f"leaves too {event}")
        signal.disconnect(leaves)
        signal.disconnect(leaves_too)
        signal.connect(late)

    signal.connect(leaves)
    signal.connect(leaves_too)
    deliver(signal, sender, "1", LOG)
    assert sorted(calls) == ["leaves 1", "leaves too 1"]

    calls.clear()
    deliver(signal, sender, "2", LOG)
    assert calls == ["late 2"]


# --- receivers that fail ---

FAILURES = [
    ValueError(SECRET),
    SystemExit(SECRET),
    KeyboardInterrupt(SECRET),
    GeneratorExit(SECRET),
    BaseExceptionGroup("several", [ValueError(SECRET)]),
    StopIteration(SECRET),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_receiver_that_raises_stops_nobody(
    failure: BaseException,
    signal: HistorySignal,
    sender: Sender,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """All others hear the event, and receiver_failed tells who failed, on what and how."""
    heard: list[str] = []
    told: list[tuple[Any, ReceiverFailed]] = []

    def receiver_1(_client: Any, event: Any) -> None:
        heard.append("receiver 1")

    def receiver_2(_client: Any, event: Any) -> None:
        heard.append("receiver 2")

    def on_failed(client: Any, event: ReceiverFailed) -> None:
        told.append((client, event))

    bad_handler, bad_receiver = raising(failure), raising(failure)
    signal.connect(receiver_1)
    signal.connect(bad_receiver)
    signal.connect(receiver_2)
    handlers = [bad_handler, lambda _event: heard.append("handler")]

    with receiver_failed.connected_to(on_failed):
        deliver(signal, sender, "event", LOG, handlers)

    assert heard[0] == "handler"
    assert sorted(heard[1:]) == ["receiver 1", "receiver 2"]
    assert [(client, failed.event) for client, failed in told] == [(sender, "event")] * 2
    assert [failed.receiver for _, failed in told] == [bad_handler, bad_receiver]
    assert all(failed.exception is failure for _, failed in told)
    assert len(caplog.records) == 2


def test_the_log_of_a_failure(
    signal: HistorySignal, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    """It says which receiver raised what, in which line, and never the exception's own words."""
    caplog.set_level(logging.DEBUG)

    def inner() -> None:
        raise ValueError(SECRET)

    def show(_client: Any, event: Any) -> None:
        try:
            inner()
        except ValueError as error:
            raise LookupError(SECRET) from error

    signal.connect(show)
    deliver(signal, sender, SECRET, LOG)

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is None
    assert record.stack_info is None
    line = show.__code__.co_firstlineno + 4
    where = f"in show, {__file__}:{line}"
    assert record.getMessage() == f"receiver {show.__qualname__} raised LookupError {where}"
    assert SECRET not in repr(vars(record))


class CallableObject:
    """A receiver that is no function."""

    def __call__(self, *_args: Any, **_kwargs: Any) -> None:
        raise ValueError(SECRET)


@pytest.mark.parametrize(
    ("receiver", "name"),
    [
        (CallableObject(), "CallableObject"),
        (functools.partial(raising(ValueError(SECRET)), SECRET), "partial"),
        (lambda: None, "<lambda>"),
    ],
)
def test_the_log_names_any_receiver(
    receiver: Callable[..., Any],
    name: str,
    signal: HistorySignal,
    sender: Sender,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An object, a partial, or a function that takes no event, is named by what it is."""
    signal.connect(receiver, weak=False)

    deliver(signal, sender, SECRET, LOG)

    assert name in caplog.text
    assert SECRET not in caplog.text


def test_a_failure_that_nobody_raised_in_python(
    signal: HistorySignal, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    """A built-in function that fails is told like any other."""
    signal.connect(len, weak=False)

    deliver(signal, sender, SECRET, LOG)

    assert "receiver len raised TypeError" in caplog.text


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_receiver_of_receiver_failed_that_fails_is_only_logged(
    failure: BaseException,
    signal: HistorySignal,
    sender: Sender,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told to nobody, itself included, and the other receivers of it hear all the same."""
    told: list[Any] = []
    tries: list[Any] = []

    def watcher(_client: Any, event: ReceiverFailed) -> None:
        told.append(event.receiver)

    def bad_watcher(_client: Any, event: ReceiverFailed) -> None:
        tries.append(event.receiver)
        raise failure

    bad = raising(ValueError(SECRET))
    signal.connect(bad)
    with receiver_failed.connected_to(bad_watcher), receiver_failed.connected_to(watcher):
        deliver(signal, sender, "event", LOG)

    assert told == [bad]
    assert tries == [bad]
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert "bad_watcher" in caplog.records[1].getMessage()
    assert SECRET not in caplog.text


def test_a_failure_is_told_to_those_who_listen_to_its_sender(signal: HistorySignal) -> None:
    """receiver_failed is sent by the client whose event it was."""
    one, other = Sender(), Sender()
    told: list[str] = []

    def of_one(_client: Any, event: Any) -> None:
        told.append("one")

    def of_other(_client: Any, event: Any) -> None:
        told.append("other")

    bad = raising(ValueError())
    signal.connect(bad)
    with (
        receiver_failed.connected_to(of_one, sender=one),
        receiver_failed.connected_to(of_other, sender=other),
    ):
        deliver(signal, one, None, LOG)

    assert told == ["one"]


def test_an_async_receiver_is_told_as_a_failure(
    signal: HistorySignal, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    """A coroutine function never runs: that is told instead of passed over in silence."""
    told: list[ReceiverFailed] = []
    ran: list[Any] = []

    async def receiver(_client: Any, event: Any) -> None:
        ran.append(event)

    async def handler(event: Any) -> None:
        ran.append(event)

    def on_failed(_client: Any, event: ReceiverFailed) -> None:
        told.append(event)

    signal.connect(receiver)
    with receiver_failed.connected_to(on_failed):
        deliver(signal, sender, "event", LOG, [handler])

    assert ran == []
    assert [failed.receiver for failed in told] == [handler, receiver]
    assert all(isinstance(failed.exception, TypeError) for failed in told)
    assert all("async" in str(failed.exception) for failed in told)
    assert caplog.text.count("TypeError") == 2


def test_what_a_receiver_returns_is_of_no_account(
    signal: HistorySignal, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    """A receiver may return anything, also an exception, and has not failed."""
    signal.connect(lambda _client, event: ValueError(SECRET), weak=False)

    deliver(signal, sender, None, LOG, [lambda _event: False, lambda event: event])

    assert caplog.records == []


# --- a notebook's cells ---

CELL = """
    def show(client, event):
        calls.append(VERSION)
    held.append(show)
    {connect}
"""
DECORATED = """
    def logged(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)
        held.append(wrapper)
        return wrapper

    @logged
    def show(client, event):
        calls.append(VERSION)
    {connect}
"""


@pytest.mark.parametrize("cell", [CELL, DECORATED], ids=["plain", "decorated"])
@pytest.mark.parametrize(
    "connect",
    [
        "signal.connect(show)",
        "signal.connect(show, sender=sender)",
        "signal.connect(show, weak=False)",
        "signal.connect_via(sender)(show)",
    ],
)
def test_a_cell_that_is_run_three_times(
    cell: str, connect: str, signal: HistorySignal, sender: Sender
) -> None:
    """Only the function of its last run is called, although the notebook holds the others."""
    calls: list[int] = []
    held: list[Any] = []

    for version in (1, 2, 3):
        run_cell(
            cell.format(connect=connect),
            signal=signal,
            sender=sender,
            calls=calls,
            held=held,
            VERSION=version,
        )
    deliver(signal, sender, None, LOG)

    assert len(held) == 3
    assert calls == [3]


def test_a_cell_that_connects_for_two_senders(signal: HistorySignal) -> None:
    """Run again, it replaces its earlier self for each of them."""
    one, other = Sender(), Sender()
    connect = "signal.connect(show, sender=one); signal.connect(show, sender=other)"
    calls: list[int] = []
    names = {"signal": signal, "one": one, "other": other, "calls": calls, "held": []}

    for version in (1, 2):
        run_cell(CELL.format(connect=connect), **names, VERSION=version)
    deliver(signal, one, None, LOG)
    deliver(signal, other, None, LOG)

    assert calls == [2, 2]


KEPT_APART = {
    "lambdas": """
        for number in (1, 2):
            connect(lambda client, event, number=number: calls.append(number))
    """,
    "closures": """
        def make(number):
            def show(client, event):
                calls.append(number)
            return show
        connect(make(1))
        connect(make(2))
    """,
    "bound methods": """
        class Screen:
            def __init__(self, number):
                self.number = number
            def show(self, client, event):
                calls.append(self.number)
        connect(Screen(1).show)
        connect(Screen(2).show)
    """,
    "decorated bound methods": """
        def logged(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return function(*args, **kwargs)
            return wrapper
        class Screen:
            def __init__(self, number):
                self.number = number
            def show(self, client, event):
                calls.append(self.number)
        connect(logged(Screen(1).show))
        connect(logged(Screen(2).show))
    """,
    "one function, decorated twice": """
        def numbered(function, number):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return function(number)
            return wrapper
        def show(number):
            calls.append(number)
        connect(numbered(show, 1))
        connect(numbered(show, 2))
    """,
    "partials": """
        def show(number, client, event):
            calls.append(number)
        connect(functools.partial(show, 1))
        connect(functools.partial(show, 2))
    """,
    "objects": """
        class Screen:
            def __init__(self, number):
                self.number = number
            def __call__(self, client, event):
                calls.append(self.number)
        connect(Screen(1))
        connect(Screen(2))
    """,
    "static methods of two classes": """
        for number in (1, 2):
            class Screen:
                @staticmethod
                def show(client, event, number=number):
                    calls.append(number)
            connect(Screen.show)
    """,
    "functions of two names": """
        def one(client, event):
            calls.append(1)
        def two(client, event):
            calls.append(2)
        connect(one)
        connect(two)
    """,
}


@pytest.mark.parametrize("source", KEPT_APART.values(), ids=KEPT_APART)
def test_receivers_that_never_replace_each_other(
    source: str, signal: HistorySignal, sender: Sender
) -> None:
    """Lambdas, closures, methods and the like are all called, whatever their names."""
    calls: list[int] = []
    connect = functools.partial(signal.connect, weak=False)

    run_cell(source, connect=connect, calls=calls)
    deliver(signal, sender, None, LOG)

    assert sorted(calls) == [1, 2]


def test_functions_of_a_module_never_replace_each_other(
    signal: HistorySignal, sender: Sender
) -> None:
    """Two functions of one name are both called when their module is not the main program."""
    calls: list[int] = []
    for number in (1, 2):
        source = "def show(client, event): calls.append(number)\nsignal.connect(show, weak=False)"
        run_cell(source, signal=signal, calls=calls, number=number, __name__="a_module")

    deliver(signal, sender, None, LOG)

    assert sorted(calls) == [1, 2]


def test_a_function_is_no_later_self_of_its_own(signal: HistorySignal) -> None:
    """A function replaces neither itself nor a form of itself that was decorated."""
    show = run_cell("def show(client, event): ...")["show"]
    decorated = functools.wraps(show)(lambda *args: None)

    assert not replaces(show, show)
    assert not replaces(decorated, show)
    assert not replaces(show, decorated)
    assert replaces(run_cell("def show(client, event): ...")["show"], show)


# --- what there is ---


def test_the_signals() -> None:
    """Each is a named blinker signal that says in words what its event is."""
    named = {name: value for name, value in vars(signals).items() if type(value) is HistorySignal}

    assert set(named) == {
        *("user_recent_sessions", "user_viewed_sessions", "user_sessions_deleted"),
        *("online", "offline", "receiver_failed"),
    }
    for signal in named.values():
        assert isinstance(signal, blinker.NamedSignal)
        assert "``event`` is a" in (signal.__doc__ or "")
    assert len({signal.name for signal in named.values()}) == 6


def test_each_documented_event_has_its_signal() -> None:
    """Every documented name leads to the signal that bears it."""
    assert set(BY_NAME) == set(CallHistoryEvent)
    assert {name: signal.name for name, signal in BY_NAME.items()} == {n: n for n in BY_NAME}
    assert BY_NAME[CallHistoryEvent.USER_RECENT_SESSIONS] is signals.user_recent_sessions
    assert BY_NAME[CallHistoryEvent.USER_VIEWED_SESSIONS] is signals.user_viewed_sessions
    assert BY_NAME[CallHistoryEvent.USER_SESSIONS_DELETED] is signals.user_sessions_deleted


def test_the_events_of_the_connection_are_values() -> None:
    """They compare by what they hold, and cannot be changed."""
    assert Online() == Online()
    offline = Offline(code=1006, reason="lost", reconnecting=True)
    assert offline == Offline(code=1006, reason="lost", reconnecting=True)
    with pytest.raises(AttributeError):
        offline.code = 1  # type: ignore[misc]
