"""The functions given to client.on: which are called, in what order, how often."""

from __future__ import annotations

import functools
import inspect
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from callhistory import CallHistoryClient, CallHistoryEvent, signals
from callhistory._live.handlers import Handlers
from callhistory.signals import HistorySignal, deliver

NAME = "callHistory:user_recent_sessions"
LOG = logging.getLogger("tests.handlers")


class OfHandlers:
    """Handlers, used directly."""

    def __init__(self) -> None:
        self.handlers = Handlers()
        self.on = self.handlers.add
        self.off = self.handlers.remove

    def deliver(self, event: Any, name: str = NAME) -> None:
        signal = HistorySignal(name)  # one that nobody is connected to
        deliver(signal, self, event, LOG, self.handlers.of(signal.name))


class OfClient:
    """Handlers, used through a client that has sent nothing."""

    def __init__(self, client: CallHistoryClient) -> None:
        self.client = client
        self.on = client.on
        self.off = client.off

    def deliver(self, event: Any, name: str = NAME) -> None:
        signal = HistorySignal(name)
        deliver(signal, self.client, event, LOG, self.client._handlers.of(signal.name))


Program = OfHandlers | OfClient


@pytest.fixture(params=["handlers", "client"])
def program(request: pytest.FixtureRequest) -> Iterator[Program]:
    """Give both ways to hold handlers, which do the same."""
    if request.param == "handlers":
        yield OfHandlers()
    else:
        with CallHistoryClient("a-token") as client:
            yield OfClient(client)


def run_cell(source: str, **names: Any) -> dict[str, Any]:
    """Run a notebook's cell: its functions are those of ``__main__``."""
    namespace = {"__name__": "__main__", "functools": functools, "NAME": NAME, **names}
    exec(inspect.cleandoc(source), namespace)
    return namespace


def test_handlers_are_called_in_the_order_in_which_they_came(program: Program) -> None:
    """The order of client.on is the order of the calls."""
    calls: list[int] = []

    def note(number: int, _event: Any) -> None:
        calls.append(number)

    for number in range(20):
        program.on(NAME, functools.partial(note, number))

    program.deliver("event")

    assert calls == list(range(20))


def test_a_handler_is_held(program: Program) -> None:
    """A lambda, or a method of an object that nobody else holds, is called."""
    calls: list[str] = []

    class Screen:
        def show(self, event: str) -> None:
            calls.append(f"method {event}")

    program.on(NAME, lambda event: calls.append(f"lambda {event}"))
    program.on(NAME, Screen().show)
    program.deliver("event")

    assert calls == ["lambda event", "method event"]


def test_each_event_has_handlers_of_its_own(program: Program) -> None:
    """A handler hears the event that it was given for, and no other."""
    calls: list[tuple[str, str]] = []

    def note(name: str, event: str) -> None:
        calls.append((name, event))

    for name in CallHistoryEvent:
        program.on(name, functools.partial(note, name))

    for name in CallHistoryEvent:
        program.deliver("event", name)
    program.deliver("event", "callhistory:online")

    assert calls == [(name, "event") for name in CallHistoryEvent]


@pytest.mark.parametrize(
    "name",
    [
        CallHistoryEvent.USER_RECENT_SESSIONS,
        "callHistory:user_recent_sessions",
        "CALLHISTORY:user_recent_sessions",
        "USER_RECENT_SESSIONS",
    ],
)
def test_the_name_of_an_event(name: str, program: Program) -> None:
    """A member of the enum, its value and its name, in any case, mean the same event."""
    calls: list[str] = []

    program.on(name, calls.append)
    program.deliver("event")
    assert calls == ["event"]

    program.off(name, calls.append)
    program.deliver("event")
    assert calls == ["event"]


@pytest.mark.parametrize("name", ["", "user_recent", "callHistory:", "janus.user_recent_sessions"])
def test_a_name_that_is_no_events(name: str, program: Program) -> None:
    """An unknown name is refused with the names that there are, and nothing is held."""
    for call in (program.on, program.off):
        with pytest.raises(ValueError, match=r"^name: expected one of 'callHistory:user_recent"):
            call(name, print)


@pytest.mark.parametrize("name", [None, 1, b"callHistory:user_recent_sessions", print])
def test_a_name_that_is_no_text(name: Any, program: Program) -> None:
    """A name of another type is refused as that."""
    for call in (program.on, program.off):
        with pytest.raises(TypeError, match=r"^name: "):
            call(name, print)


@pytest.mark.parametrize("handler", ["print", 7, object(), []])
def test_a_handler_that_cannot_be_called(handler: Any, program: Program) -> None:
    """It is refused where it is given, not when the first event comes."""
    with pytest.raises(TypeError, match=r"^handler: expected a function, not "):
        program.on(NAME, handler)


def test_a_function_is_called_once_however_often_it_is_given(program: Program) -> None:
    """The same function given again keeps its place, and is called once."""
    calls: list[str] = []

    def first(_event: Any) -> None:
        calls.append("first")

    def second(_event: Any) -> None:
        calls.append("second")

    for handler in (first, second, first, second, second):
        program.on(NAME, handler)
    program.deliver("event")

    assert calls == ["first", "second"]


def test_bound_methods(program: Program) -> None:
    """A method of an object is one handler, that of another object is another."""
    calls: list[int] = []

    class Screen:
        def __init__(self, number: int) -> None:
            self.number = number

        def show(self, _event: Any) -> None:
            calls.append(self.number)

    one, two = Screen(1), Screen(2)
    for screen in (one, two, one):
        program.on(NAME, screen.show)
    program.deliver("event")
    assert calls == [1, 2]

    program.off(NAME, one.show)
    program.deliver("event")
    assert calls == [1, 2, 2]


def test_objects_that_can_be_called(program: Program) -> None:
    """Each object with __call__ is a handler of its own."""
    calls: list[int] = []

    @attrs.define(eq=False)
    class Screen:
        number: int

        def __call__(self, _event: Any) -> None:
            calls.append(self.number)

    one, two = Screen(1), Screen(1)
    program.on(NAME, one)
    program.on(NAME, two)
    program.on(NAME, one)
    program.deliver("event")
    assert calls == [1, 1]

    program.off(NAME, one)
    program.off(NAME, two)
    program.deliver("event")
    assert calls == [1, 1]


def test_off(program: Program) -> None:
    """A handler that was let go is not called, the others are; letting go again says nothing."""
    calls: list[str] = []

    def gone(_event: Any) -> None:
        calls.append("gone")

    def stays(_event: Any) -> None:
        calls.append("stays")

    program.on(NAME, gone)
    program.on(NAME, stays)
    for _ in range(2):
        program.off(NAME, gone)
    program.off(CallHistoryEvent.USER_VIEWED_SESSIONS, stays)
    program.deliver("event")

    assert calls == ["stays"]


def test_a_handler_that_leaves_during_an_event(program: Program) -> None:
    """Handlers that come or go while an event is delivered count from the next one on."""
    calls: list[str] = []

    def late(event: str) -> None:
        calls.append(f"late {event}")

    def leaves(event: str) -> None:
        calls.append(f"leaves {event}")
        program.off(NAME, leaves)
        program.off(NAME, other)
        program.on(NAME, late)

    def other(event: str) -> None:
        calls.append(f"other {event}")

    program.on(NAME, leaves)
    program.on(NAME, other)
    program.deliver("1")
    program.deliver("2")

    assert calls == ["leaves 1", "other 1", "late 2"]


def test_a_handler_that_fails_is_told_of(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    """receiver_failed names the handler itself, and the handlers after it are called."""
    calls: list[Any] = []
    told: list[Any] = []

    def bad(_event: Any) -> None:
        raise SystemExit("Ada")

    def on_failed(_client: Any, event: signals.ReceiverFailed) -> None:
        told.append((event.receiver, event.event, type(event.exception)))

    program.on(NAME, bad)
    program.on(NAME, calls.append)
    with signals.receiver_failed.connected_to(on_failed):
        program.deliver("event")

    assert calls == ["event"]
    assert told == [(bad, "event", SystemExit)]
    assert "Ada" not in caplog.text


CELLS = {
    "plain": "def show(event): calls.append(VERSION)\non(NAME, show)",
    "decorated": """
        def logged(function):
            @functools.wraps(function)
            def wrapper(event):
                return function(event)
            return wrapper

        @logged
        def show(event):
            calls.append(VERSION)
        on(NAME, show)
    """,
    "decorated twice": """
        def logged(function):
            return functools.wraps(function)(lambda event: function(event))

        @logged
        @logged
        def show(event):
            calls.append(VERSION)
        on(NAME, show)
    """,
}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_cell_that_is_run_three_times(cell: str, program: Program) -> None:
    """Only the function of its last run is called, once, where the first one stood."""
    calls: list[Any] = []
    before, after = "before", "after"
    program.on(NAME, lambda _event: calls.append(before))

    for version in (1, 2, 3):
        run_cell(cell, on=program.on, calls=calls, VERSION=version)
        if version == 1:
            program.on(NAME, lambda _event: calls.append(after))
    program.deliver("event")

    assert calls == ["before", 3, "after"]


def test_an_earlier_self_is_let_go_of_with_the_function_of_today(program: Program) -> None:
    """After a cell was run again, off takes the function that its last run made."""
    calls: list[int] = []
    for version in (1, 2):
        cell = run_cell(CELLS["plain"], on=program.on, calls=calls, VERSION=version)

    program.off(NAME, cell["show"])
    program.deliver("event")

    assert calls == []


def test_a_cell_replaces_for_its_own_event_only(program: Program) -> None:
    """A function of the same name that hears another event stays."""
    calls: list[Any] = []
    source = "def show(event): calls.append((WHICH, VERSION))\non(WHICH, show)"
    viewed = CallHistoryEvent.USER_VIEWED_SESSIONS

    run_cell(source, on=program.on, calls=calls, WHICH=viewed, VERSION=1)
    run_cell(source, on=program.on, calls=calls, WHICH=NAME, VERSION=1)
    run_cell(source, on=program.on, calls=calls, WHICH=NAME, VERSION=2)
    program.deliver("event", viewed)
    program.deliver("event")

    assert calls == [(viewed, 1), (NAME, 2)]


KEPT_APART = {
    "lambdas": "for n in (1, 2): on(NAME, lambda event, n=n: calls.append(n))",
    "closures": """
        def make(number):
            def show(event):
                calls.append(number)
            return show
        on(NAME, make(1))
        on(NAME, make(2))
    """,
    "bound methods": """
        class Screen:
            def __init__(self, number):
                self.number = number
            def show(self, event):
                calls.append(self.number)
        on(NAME, Screen(1).show)
        on(NAME, Screen(2).show)
    """,
    "decorated bound methods": """
        def logged(function):
            return functools.wraps(function)(lambda event: function(event))
        class Screen:
            def __init__(self, number):
                self.number = number
            def show(self, event):
                calls.append(self.number)
        on(NAME, logged(Screen(1).show))
        on(NAME, logged(Screen(2).show))
    """,
    "one function, decorated twice": """
        def numbered(function, number):
            return functools.wraps(function)(lambda event: function(number))
        def show(number):
            calls.append(number)
        on(NAME, numbered(show, 1))
        on(NAME, numbered(show, 2))
    """,
    "partials": """
        def show(number, event):
            calls.append(number)
        on(NAME, functools.partial(show, 1))
        on(NAME, functools.partial(show, 2))
    """,
    "functions of two names": """
        def one(event):
            calls.append(1)
        def two(event):
            calls.append(2)
        on(NAME, one)
        on(NAME, two)
    """,
}


@pytest.mark.parametrize("source", KEPT_APART.values(), ids=KEPT_APART)
def test_handlers_that_never_replace_each_other(source: str, program: Program) -> None:
    """Lambdas, closures, methods and the like are all called, whatever their names."""
    calls: list[int] = []

    run_cell(source, on=program.on, calls=calls)
    program.deliver("event")

    assert calls == [1, 2]


def test_functions_of_a_module_never_replace_each_other(program: Program) -> None:
    """Two functions of one name are both called when their module is not the main program."""
    calls: list[int] = []
    for version in (1, 2):
        names = {"on": program.on, "calls": calls, "VERSION": version, "__name__": "a_module"}
        run_cell(CELLS["plain"], **names)

    program.deliver("event")

    assert calls == [1, 2]


def test_several_threads(program: Program) -> None:
    """Handlers that several threads give at once are all held."""
    calls: list[Any] = []
    begin = threading.Barrier(4)

    def note(number: int, place: int, _event: Any) -> None:
        calls.append((number, place))

    def give(number: int) -> None:
        begin.wait(5)
        for place in range(50):
            program.on(NAME, functools.partial(note, number, place))

    threads = [threading.Thread(target=give, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    program.deliver("event")

    assert len(calls) == 200


# --- what only the client has ---


def test_on_gives_the_handler_back() -> None:
    """Called with a handler, or as a decorator, on leaves the function as it is."""

    def show(_event: Any) -> None: ...

    with CallHistoryClient("a-token") as client:
        decorate: Callable[[Callable[[Any], None]], Callable[[Any], None]] = client.on(NAME)

        assert client.on(NAME, show) is show
        assert decorate(show) is show


def test_one_function_for_several_events() -> None:
    """Decorators stack: the function hears each of the events."""
    calls: list[str] = []
    with CallHistoryClient("a-token") as client:
        program = OfClient(client)

        @client.on("callHistory:user_viewed_sessions")
        @client.on("callHistory:user_sessions_deleted")
        def show(event: str) -> None:
            calls.append(event)

        for name in CallHistoryEvent:
            program.deliver(name, name)

    assert calls == ["callHistory:user_viewed_sessions", "callHistory:user_sessions_deleted"]


@pytest.mark.parametrize("name", ["unknown", 7])
def test_a_wrong_name_is_told_at_the_decorator(name: Any) -> None:
    """A decorator with a wrong name fails before it is given a function."""
    with CallHistoryClient("a-token") as client, pytest.raises((TypeError, ValueError)):
        client.on(name)


def test_clients_have_handlers_of_their_own() -> None:
    """A handler of one client hears nothing of another."""
    calls: list[str] = []
    with CallHistoryClient("a-token") as one, CallHistoryClient("a-token") as other:
        one.on(NAME, calls.append)
        OfClient(other).deliver("event")

    assert calls == []
