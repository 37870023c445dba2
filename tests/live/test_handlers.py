"""client.on and client.off: which handlers are called, in what order, how often."""

from __future__ import annotations

import functools
import gc
import inspect
import threading
from collections.abc import Callable
from typing import Any

import pytest

from callhistory import CallHistoryClient, CallHistoryEvent
from tests.support.listening_clients import DELETED, RECENT, VIEWED
from tests.support.receivers import Calls, LiveClient
from tests.support.waiting import wait_until
from tests.support.wire_samples import a_session


def test_handlers_are_called_in_the_order_of_their_registration(live: LiveClient) -> None:
    """The order of client.on is the order of the calls; one added again keeps its place."""
    calls: list[int] = []

    def note(number: int, _event: Any) -> None:
        calls.append(number)

    handlers = [functools.partial(note, number) for number in range(20)]
    for handler in (*handlers, handlers[0], handlers[7], handlers[7]):
        live.client.on(RECENT, handler)

    live.deliver()

    assert calls == list(range(20))


def test_handlers_are_held(live: LiveClient) -> None:
    """A lambda, or a method of an object that nobody else holds, is called each time."""
    calls: list[str] = []

    class Screen:
        def show(self, _event: Any) -> None:
            calls.append("method")

    live.client.on(RECENT, lambda _event: calls.append("lambda"))
    live.client.on(RECENT, Screen().show)
    gc.collect()
    live.deliver(2)

    assert calls == ["lambda", "method"] * 2


def test_each_event_has_handlers_of_its_own(live: LiveClient) -> None:
    """A handler hears the events that it was registered for and no others; decorators stack."""
    calls: list[tuple[str, str]] = []
    for name in CallHistoryEvent:
        live.client.on(name, lambda event, name=name: calls.append((name, event.data.event_type)))

    @live.client.on("callHistory:user_viewed_sessions")
    @live.client.on("callHistory:user_sessions_deleted")
    def show(event: Any) -> None:
        calls.append(("stacked", event.data.event_type))

    sessions = {"userSessions": [a_session()]}
    for data in (
        {"eventType": "janus.user_recent_sessions", "userSessions": sessions},
        {"eventType": "janus.user_viewed_sessions", "userReadSessions": {"userReadSessions": []}},
        {"eventType": "janus.user_sessions_deleted", "deletedSessions": []},
    ):
        live.cloud.send_frame({"data": data})

    assert wait_until(lambda: len(calls) == 5)
    assert calls == [
        (RECENT, "janus.user_recent_sessions"),
        (VIEWED, "janus.user_viewed_sessions"),
        ("stacked", "janus.user_viewed_sessions"),
        (DELETED, "janus.user_sessions_deleted"),
        ("stacked", "janus.user_sessions_deleted"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        CallHistoryEvent.USER_RECENT_SESSIONS,
        "callHistory:user_recent_sessions",
        "CALLHISTORY:user_recent_sessions",
        "USER_RECENT_SESSIONS",
    ],
)
def test_name_of_an_event(name: str, live: LiveClient) -> None:
    """A member of the enum, its value and its name, in any case, mean the same event."""
    calls = Calls()
    live.client.on(name, calls.handle)
    events = live.deliver()
    live.client.off(name, calls.handle)
    live.deliver()

    assert calls.events == events


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("user_recent", ValueError),
        ("janus.user_recent_sessions", ValueError),
        (None, TypeError),
        (b"callHistory:user_recent_sessions", TypeError),
    ],
)
def test_name_of_no_event(name: Any, error: type[Exception]) -> None:
    """It is refused at once with the names that exist, also by the decorator."""
    with CallHistoryClient("a-token") as client:
        for call in (
            lambda: client.on(name),
            lambda: client.on(name, print),
            lambda: client.off(name, print),
        ):
            with pytest.raises(error, match=r"^name: expected one of 'callHistory:user_recent"):
                call()


def test_handler_that_cannot_be_called() -> None:
    """It is refused where it is registered, not when the first event comes."""
    handler: Any = "print"
    with (
        CallHistoryClient("a-token") as client,
        pytest.raises(TypeError, match=r"^handler: expected a function, not "),
    ):
        client.on(RECENT, handler)


def test_on_returns_the_handler() -> None:
    """Called with a handler or used as a decorator, on() leaves the function as it is."""

    def show(_event: Any) -> None: ...

    with CallHistoryClient("a-token") as client:
        decorate: Callable[[Callable[[Any], None]], Callable[[Any], None]] = client.on(RECENT)

        assert client.on(RECENT, show) is show
        assert decorate(show) is show


class Screen:
    """Is a handler itself, and has a method that is one."""

    def __init__(self, calls: list[int], number: int) -> None:
        self.calls, self.number = calls, number

    def show(self, _event: Any) -> None:
        self.calls.append(self.number)

    __call__ = show


@pytest.mark.parametrize(
    "handler_of", [lambda screen: screen, lambda screen: screen.show], ids=["object", "method"]
)
def test_one_handler_for_each_object(handler_of: Callable[[Screen], Any], live: LiveClient) -> None:
    """An object, or its method, is one handler however often it is added; another is another."""
    calls: list[int] = []
    one, two = Screen(calls, 1), Screen(calls, 2)
    for screen in (one, two, one):
        live.client.on(RECENT, handler_of(screen))
    live.deliver()
    assert calls == [1, 2]

    live.client.off(RECENT, handler_of(one))
    live.deliver()
    assert calls == [1, 2, 2]


def test_off(live: LiveClient) -> None:
    """off() ends the calls of that handler for that event only, and may be called again."""
    gone, stays = Calls(), Calls()
    live.client.on(RECENT, gone.handle)
    live.client.on(RECENT, stays.handle)
    for _ in range(2):
        live.client.off(RECENT, gone.handle)
    live.client.off(VIEWED, stays.handle)
    live.client.off(RECENT, print)
    events = live.deliver()

    assert gone.events == []
    assert stays.events == events


CELL = "def show(event): calls.append(VERSION)\nclient.on(NAME, show)"


def run_cell(**names: Any) -> dict[str, Any]:
    """Run a notebook's cell that registers a handler."""
    namespace = {"__name__": "__main__", "NAME": RECENT, **names}
    exec(inspect.cleandoc(CELL), namespace)
    return namespace


def test_cell_that_is_run_again(live: LiveClient) -> None:
    """Its new function takes the old one's place, for the same event only; off() removes it."""
    calls: list[Any] = []
    names = {"client": live.client, "calls": calls}
    live.client.on(RECENT, lambda _event: calls.append("before"))
    run_cell(**names, VERSION=1)
    live.client.on(RECENT, lambda _event: calls.append("after"))
    cell = run_cell(**names, VERSION=2)
    run_cell(**names, NAME=VIEWED, VERSION=3)
    live.deliver()
    assert calls == ["before", 2, "after"]

    calls.clear()
    live.client.off(RECENT, cell["show"])
    live.deliver()
    assert calls == ["before", "after"]


def test_several_threads(live: LiveClient) -> None:
    """Handlers that several threads register at once are all held."""
    calls: list[None] = []
    begin = threading.Barrier(4)

    def register() -> None:
        begin.wait(5)
        for _ in range(50):
            live.client.on(RECENT, lambda _event: calls.append(None))

    threads = [threading.Thread(target=register) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    live.deliver()

    assert len(calls) == 200
