"""The signals: which receivers hear an event, and what happens when one of them raises."""

from __future__ import annotations

import functools
import gc
import inspect
import logging
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import blinker
import pytest

from callhistory import signals
from callhistory.signals import Offline, Online, ReceiverFailed, receiver_failed
from tests.support.listening_clients import RECENT, listening
from tests.support.receivers import Calls, LiveClient, Subscription

SECRET = "Ada, +12065550102"


@pytest.fixture
def signal() -> Iterator[blinker.NamedSignal]:
    """Return the signal of new calls; what a test connects to it does not outlive the test."""
    yield signals.user_recent_sessions
    for held in list(signals.user_recent_sessions.receivers.values()):
        receiver = held() if isinstance(held, weakref.ref) else held
        if receiver is not None:
            signals.user_recent_sessions.disconnect(receiver)


@pytest.fixture(params=["handler", "receiver"])
def subscription(
    request: pytest.FixtureRequest, live: LiveClient, signal: blinker.NamedSignal
) -> Subscription:
    """Return each of the two ways to subscribe a function, which is held strongly."""
    if request.param == "handler":
        on, off = live.client.on, live.client.off
        return Subscription(functools.partial(on, RECENT), functools.partial(off, RECENT))
    connect = functools.partial(signal.connect, sender=live.client, weak=False)
    return Subscription(connect, signal.disconnect)


def raising(error: BaseException) -> Callable[..., None]:
    def raises(*_args: Any, **_kwargs: Any) -> None:
        raise error

    return raises


# --- who is called ---


def test_arguments_of_handlers_and_receivers(live: LiveClient, signal: blinker.NamedSignal) -> None:
    """Handlers get the event alone and come first; receivers get the client and ``event=``."""
    calls: list[Any] = []

    def receiver(*args: Any, **kwargs: Any) -> None:
        calls.append(("receiver", args, kwargs))

    def handler(*args: Any, **kwargs: Any) -> None:
        calls.append(("handler", args, kwargs))

    signal.connect(receiver)
    live.client.on(RECENT, handler)
    (event,) = live.deliver()

    assert calls == [("handler", (event,), {}), ("receiver", (live.client,), {"event": event})]


def test_receiver_of_one_client(live: LiveClient, signal: blinker.NamedSignal) -> None:
    """A receiver connected to a client hears that client only, also in receiver_failed."""
    calls: list[tuple[str, Any]] = []

    def receive(client: Any, event: Any) -> None:
        calls.append(("call", client))
        raise ValueError

    def failed(client: Any, event: ReceiverFailed) -> None:
        calls.append(("failure", client))

    signal.connect(receive, sender=live.client)
    with (
        listening(live.cloud) as (other, heard_by_other),
        receiver_failed.connected_to(failed, sender=live.client),
        receiver_failed.connected_to(failed, sender=other),
    ):
        live.deliver()
        heard_by_other.wait_for_sessions(1)

    assert calls == [("call", live.client), ("failure", live.client)]


def test_receivers_are_held_weakly(live: LiveClient, signal: blinker.NamedSignal) -> None:
    """A receiver is called as long as somebody holds it, or for good with ``weak=False``."""
    calls: list[str] = []

    class Screen:
        def __init__(self, name: str) -> None:
            self.name = name

        def show(self, _client: Any, event: Any) -> None:
            calls.append(self.name)

    held = Screen("held method")
    signal.connect(held.show)
    signal.connect(Screen("forgotten method").show)
    signal.connect(Screen("strong method").show, weak=False)
    signal.connect(lambda _client, event: calls.append("forgotten lambda"))
    signal.connect(lambda _client, event: calls.append("strong lambda"), weak=False)
    gc.collect()
    live.deliver()
    assert sorted(calls) == ["held method", "strong lambda", "strong method"]

    calls.clear()
    del held
    gc.collect()
    live.deliver()
    assert sorted(calls) == ["strong lambda", "strong method"]


def test_receiver_that_is_connected_twice(live: LiveClient, signal: blinker.NamedSignal) -> None:
    """A receiver that is connected repeatedly, for all and for one client, is called once."""
    calls = Calls()
    signal.connect(calls.receive)
    signal.connect(calls.receive)
    signal.connect(calls.receive, sender=live.client)

    events = live.deliver()

    assert calls.events == events


def test_muted_signal(live: LiveClient, signal: blinker.NamedSignal) -> None:
    """Within muted() no receiver is called, as with blinker's own send(); handlers are."""
    handled, received = Calls(), Calls()
    live.client.on(RECENT, handled.handle)
    signal.connect(received.receive)
    with signal.muted():
        live.cloud.place_call()
        assert live.cloud.wait_until(lambda: handled.events)
    assert received.events == []

    live.deliver()
    assert (len(handled.events), len(received.events)) == (2, 1)


def test_subscriptions_that_change_during_delivery(
    live: LiveClient, subscription: Subscription
) -> None:
    """A function that is subscribed or unsubscribed during an event is so from the next one on."""
    calls: list[str] = []

    def late(*_args: Any, **_kwargs: Any) -> None:
        calls.append("late")

    def change(name: str) -> None:
        calls.append(name)
        subscription.disconnect(one)
        subscription.disconnect(two)
        subscription.connect(late)

    def one(*_args: Any, **_kwargs: Any) -> None:
        change("one")

    def two(*_args: Any, **_kwargs: Any) -> None:
        change("two")

    subscription.connect(one)
    subscription.connect(two)
    live.deliver()
    assert sorted(calls) == ["one", "two"]

    calls.clear()
    live.deliver()
    assert calls == ["late"]


# --- receivers that fail ---

FAILURES = [
    ValueError(SECRET),
    SystemExit(SECRET),
    KeyboardInterrupt(SECRET),
    BaseExceptionGroup("several", [ValueError(SECRET)]),
]
EVERY_FAILURE = pytest.mark.parametrize("failure", FAILURES, ids=lambda error: type(error).__name__)


@EVERY_FAILURE
def test_receiver_that_raises(
    failure: BaseException,
    live: LiveClient,
    signal: blinker.NamedSignal,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Everybody else hears the event and the next; receiver_failed and the log name who raised."""
    handled, received, received_too = Calls(), Calls(), Calls()
    bad_handler, bad_receiver = raising(failure), raising(failure)
    signal.connect(received.receive)
    signal.connect(bad_receiver)
    signal.connect(received_too.receive)
    live.client.on(RECENT, bad_handler)
    live.client.on(RECENT, handled.handle)

    events = live.deliver(2)

    assert handled.events == received.events == received_too.events == events
    failures = live.heard.of(ReceiverFailed)
    assert [failed.event for failed in failures] == [event for event in events for _ in "12"]
    assert [failed.receiver for failed in failures] == [bad_handler, bad_receiver] * 2
    assert all(failed.exception is failure for failed in failures)
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 4
    assert live.client.listening


@EVERY_FAILURE
def test_receiver_of_receiver_failed_that_raises(
    failure: BaseException, live: LiveClient, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged but not reported to anybody; the other receivers of the signal are called."""
    tries: list[Any] = []
    bad = raising(ValueError(SECRET))

    def bad_watcher(_client: Any, event: ReceiverFailed) -> None:
        tries.append(event.receiver)
        raise failure

    live.client.on(RECENT, bad)
    with receiver_failed.connected_to(bad_watcher, sender=live.client):
        live.deliver()

    assert tries == [bad]
    assert [failed.receiver for failed in live.heard.of(ReceiverFailed)] == [bad]
    assert "bad_watcher" in caplog.records[1].getMessage()
    assert len(caplog.records) == 2
    assert SECRET not in caplog.text


def test_log_of_a_failure(
    live: LiveClient, subscription: Subscription, caplog: pytest.LogCaptureFixture
) -> None:
    """It names the receiver, the exception and the line, and never contains the exception's text.

    The same holds at DEBUG, and for an exception that another one caused.
    """
    caplog.set_level(logging.DEBUG)

    def inner() -> None:
        raise ValueError(SECRET)

    def show(*_args: Any, **_kwargs: Any) -> None:
        try:
            inner()
        except ValueError as error:
            raise LookupError(SECRET) from error

    subscription.connect(show)
    live.deliver()

    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.exc_info is None
    assert record.stack_info is None
    where = f"in show, {__file__}:{show.__code__.co_firstlineno + 4}"
    assert record.getMessage() == f"receiver {show.__qualname__} raised LookupError {where}"
    assert SECRET not in "".join(repr(vars(record)) for record in caplog.records)


class CallableObject:
    """A receiver that is not a function."""

    def __call__(self, *_args: Any, **_kwargs: Any) -> None:
        raise ValueError(SECRET)


@pytest.mark.parametrize(
    ("receiver", "words"),
    [
        (CallableObject(), "receiver CallableObject raised ValueError in __call__, "),
        (functools.partial(raising(ValueError(SECRET)), SECRET), "receiver partial raised "),
        (lambda: None, "receiver <lambda> raised TypeError"),
        (iter, "receiver iter raised TypeError"),  # it has no frame in Python
    ],
)
def test_log_names_any_receiver(
    receiver: Callable[..., Any],
    words: str,
    live: LiveClient,
    subscription: Subscription,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log names an object, a partial, a built-in, and a function that takes no event."""
    subscription.connect(receiver)

    live.deliver()

    assert words in caplog.text
    assert SECRET not in caplog.text


def test_async_receiver(
    live: LiveClient, subscription: Subscription, caplog: pytest.LogCaptureFixture
) -> None:
    """A coroutine function would never run: each event reports it as a TypeError."""
    ran: list[Any] = []

    async def receiver(*args: Any, **_kwargs: Any) -> None:
        ran.append(args)

    subscription.connect(receiver)
    live.deliver(2)

    assert ran == []
    failures = live.heard.of(ReceiverFailed)
    assert [failed.receiver for failed in failures] == [receiver] * 2
    assert all(isinstance(failed.exception, TypeError) for failed in failures)
    assert all("async" in str(failed.exception) for failed in failures)
    assert caplog.text.count("TypeError") == 2


def test_returned_values_are_ignored(
    live: LiveClient, subscription: Subscription, caplog: pytest.LogCaptureFixture
) -> None:
    """A receiver may return anything, also an exception or False, and has not failed."""
    for value in (ValueError(SECRET), False, 7):
        subscription.connect(lambda *_args, value=value, **_kwargs: value)

    live.deliver()

    assert live.heard.of(ReceiverFailed) == []
    assert caplog.records == []


# --- cells of a notebook ---

PLAIN = """
    def show(*args, **kwargs):
        calls.append(VERSION)
"""
DECORATE = """
    def logged(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)
        return wrapper
"""
FORMS = {
    "plain": PLAIN,
    "decorated twice": DECORATE + PLAIN.replace("def show", "@logged\n    @logged\n    def show"),
}
CONNECTS = [
    "client.on(NAME, show)",
    "client.on(NAME)(show)",
    "signal.connect(show)",
    "signal.connect(show, sender=client)",
    "signal.connect(show, weak=False)",
    "signal.connect_via(client)(show)",
]


def run_cell(source: str, **names: Any) -> dict[str, Any]:
    """Run a notebook's cell: its functions are those of ``__main__``."""
    namespace = {"__name__": "__main__", "functools": functools, "NAME": RECENT, **names}
    exec(inspect.cleandoc(source), namespace)
    return namespace


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("connect", CONNECTS)
def test_cell_that_is_run_three_times(
    form: str, connect: str, live: LiveClient, signal: blinker.NamedSignal
) -> None:
    """Only the function of its last run is called, although the notebook holds the others."""
    calls: list[int] = []
    names = {"client": live.client, "signal": signal, "calls": calls}

    held = [run_cell(f"{form}\n    {connect}", **names, VERSION=version) for version in (1, 2, 3)]
    live.deliver()

    assert len(held) == 3
    assert calls == [3]


def test_cell_that_connects_to_one_client_after_all(
    live: LiveClient, signal: blinker.NamedSignal
) -> None:
    """A cell that connected for all clients, run again for one, leaves one receiver."""
    calls: list[int] = []
    names = {"client": live.client, "signal": signal, "calls": calls}
    connects = ("signal.connect(show)", "signal.connect(show, sender=client)")

    held = [
        run_cell(f"{PLAIN}\n    {connect}", **names, VERSION=version)
        for version, connect in enumerate(connects, 1)
    ]
    live.deliver()

    assert len(held) == 2
    assert calls == [2]


def test_cell_that_connects_to_two_clients(live: LiveClient, signal: blinker.NamedSignal) -> None:
    """When it is run again, its function is replaced for each of them."""
    calls: list[int] = []
    cell = f"{PLAIN}\n    for sender in clients: signal.connect(show, sender=sender)"
    with listening(live.cloud) as (other, heard_by_other):
        clients = (live.client, other)
        held = [
            run_cell(cell, clients=clients, signal=signal, calls=calls, VERSION=version)
            for version in (1, 2)
        ]
        live.deliver()
        heard_by_other.wait_for_sessions(1)

    assert len(held) == 2
    assert calls == [2, 2]


KEPT_APART = {
    "lambdas": """
        for number in (1, 2):
            connect(lambda *args, number=number, **kwargs: calls.append(number))
    """,
    "closures": """
        def make(number):
            def show(*args, **kwargs):
                calls.append(number)
            return show
        connect(make(1))
        connect(make(2))
    """,
    "bound methods": """
        class Screen:
            def __init__(self, number):
                self.number = number
            def show(self, *args, **kwargs):
                calls.append(self.number)
        connect(Screen(1).show)
        connect(Screen(2).show)
    """,
    "a decorated form and its function": """
        def show(*args, **kwargs):
            calls.append(2)
        connect(functools.wraps(show)(lambda *args, **kwargs: calls.append(1)))
        connect(show)
    """,
    "objects": """
        class Screen:
            def __init__(self, number):
                self.number = number
            def __call__(self, *args, **kwargs):
                calls.append(self.number)
        connect(Screen(1))
        connect(Screen(2))
    """,
    "functions of two names": """
        def one(*args, **kwargs):
            calls.append(1)
        def two(*args, **kwargs):
            calls.append(2)
        connect(one)
        connect(two)
    """,
    "functions of a module": """
        __name__ = "a_module"
        def show(*args, **kwargs):
            calls.append(1)
        connect(show)
        def show(*args, **kwargs):
            calls.append(2)
        connect(show)
    """,
}


@pytest.mark.parametrize("source", KEPT_APART.values(), ids=KEPT_APART)
def test_functions_that_never_replace_each_other(
    source: str, live: LiveClient, subscription: Subscription
) -> None:
    """Lambdas, closures, methods and the like are all called, whatever their names."""
    calls: list[int] = []

    run_cell(source, connect=subscription.connect, calls=calls)
    live.deliver()

    assert sorted(calls) == [1, 2]


# --- what there is ---


def test_the_signals() -> None:
    """There are six, each a named blinker signal whose docstring says what its event is."""
    named = {
        name: value
        for name, value in vars(signals).items()
        if isinstance(value, blinker.NamedSignal)
    }

    assert set(named) == {
        *("user_recent_sessions", "user_viewed_sessions", "user_sessions_deleted"),
        *("online", "offline", "receiver_failed"),
    }
    assert all("``event`` is a" in (signal.__doc__ or "") for signal in named.values())
    assert len({signal.name for signal in named.values()}) == 6


def test_events_of_the_connection_are_values() -> None:
    """They compare by what they hold, and cannot be changed."""
    assert Online() == Online()
    offline = Offline(code=1006, reason="lost", reconnecting=True)
    assert offline == Offline(code=1006, reason="lost", reconnecting=True)
    with pytest.raises(AttributeError):
        offline.code = 1  # type: ignore[misc] # that is the point
