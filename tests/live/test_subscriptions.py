"""Handlers and receivers of live events: how often each is called, and until when."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from callhistory import CallHistoryClient, signals
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import RECENT, hasten, listening
from tests.support.receivers import Calls, place_calls


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch)


def test_handler_is_held_by_the_client(cloud: Sandbox) -> None:
    """Lambdas and bound methods that nobody else holds are called each time, as handlers."""
    calls = Calls()
    with listening(cloud) as (client, heard):
        client.on(RECENT, lambda event: calls.handle(event))
        client.on(RECENT, calls.handle)
        gc.collect()

        events = place_calls(cloud, heard, 3)
        assert calls.events == [each for each in events for _ in "12"]


def test_receiver_is_held_weakly(cloud: Sandbox) -> None:
    """As blinker has it: a receiver that nobody holds is gone, unless connected with weak=False."""
    calls, held = Calls(), Calls()
    with listening(cloud) as (client, heard):
        signal = signals.user_recent_sessions
        signal.connect(lambda client, event: calls.receive(client, event), sender=client)
        signal.connect(Calls().receive, sender=client)
        signal.connect(held.receive, sender=client)
        kept = lambda client, event: calls.receive(client, event)  # noqa: E731
        signal.connect(kept, sender=client)
        signal.connect(
            lambda client, event: calls.receive(client, event), sender=client, weak=False
        )
        gc.collect()

        events = place_calls(cloud, heard, 2)
        assert held.events == events
        assert calls.events == [each for each in events for _ in "12"]


def test_handler_that_is_added_twice_is_called_once(cloud: Sandbox) -> None:
    """on() with the same function again, or the same bound method, changes nothing."""
    calls = Calls()
    with listening(cloud) as (client, heard):
        for _ in range(3):
            client.on(RECENT, calls.handle)

        assert len(place_calls(cloud, heard, 2)) == len(calls.events) == 2


def run_cell(cell: str, **names: Any) -> list[object]:
    """Run a notebook's cell three times, and keep what its functions were, as a notebook does."""
    out: list[object] = []
    names |= {"__name__": "__main__", "out": out}
    for _ in range(3):
        exec(cell, names)
    return out


HANDLER_CELL = """
@client.on("callHistory:user_recent_sessions")
def handle(event):
    calls.append(event)
out.append(handle)
"""
RECEIVER_CELL = """
@signals.user_recent_sessions.connect
def receive(client, event):
    calls.append(event)
out.append(receive)
"""
RECEIVER_OF_ONE_CELL = """
def receive(client, event):
    calls.append(event)
out.append(signals.user_recent_sessions.connect(receive, sender=client))
"""
LAMBDA_CELL = """
out.append(client.on("callHistory:user_recent_sessions", lambda event: calls.append(event)))
"""
CLOSURE_CELL = """
def make():
    def handle(event):
        calls.append(event)
    return handle
out.append(client.on("callHistory:user_recent_sessions", make()))
"""


@pytest.mark.parametrize(
    ("cell", "times"),
    [
        (HANDLER_CELL, 1),
        (RECEIVER_CELL, 1),
        (RECEIVER_OF_ONE_CELL, 1),
        (LAMBDA_CELL, 3),
        (CLOSURE_CELL, 3),
    ],
    ids=["handler", "receiver", "receiver of one client", "lambda", "closure"],
)
def test_notebook_cell_that_is_run_again(cloud: Sandbox, cell: str, times: int) -> None:
    """A function at top level replaces its earlier self; lambdas and closures add up."""
    calls: list[Any] = []
    with listening(cloud) as (client, heard):
        out = run_cell(cell, client=client, signals=signals, calls=calls)

        events = place_calls(cloud, heard, 2)
        assert calls == [each for each in events for _ in range(times)]
        assert len(out) == 3


@pytest.mark.parametrize("while_called", [False, True])
def test_handler_that_was_taken_off_is_not_called(cloud: Sandbox, while_called: bool) -> None:
    """off() ends the calls, also from within one; those of others go on."""
    calls, others = Calls(), Calls()
    with listening(cloud) as (client, heard):

        def handle(event: Any) -> None:
            calls.handle(event)
            if while_called:
                client.off(RECENT, handle)

        client.on(RECENT, handle)
        client.on(RECENT, others.handle)
        client.off(RECENT, lambda event: None)  # was not on
        place_calls(cloud, heard)
        client.off(RECENT, handle)
        client.off(RECENT, handle)

        events = place_calls(cloud, heard, 2)
        assert calls.events == events[:1]
        assert others.events == events


def test_handler_added_by_a_handler_hears_the_next_event(cloud: Sandbox) -> None:
    """A handler that is added while an event is delivered is called from the next one on."""
    calls = Calls()
    with listening(cloud) as (client, heard):
        client.on(RECENT, lambda _: client.on(RECENT, calls.handle))

        events = place_calls(cloud, heard, 3)
        assert calls.events == events[1:]


@pytest.mark.parametrize(
    ("subscribe", "error"),
    [
        (lambda client: client.on("callHistory:nothing", print), ValueError),
        (lambda client: client.on(None, print), TypeError),
        (lambda client: client.on(RECENT, "print"), TypeError),
        (lambda client: client.on("callHistory:nothing"), ValueError),
        (lambda client: client.off("callHistory:nothing", print), ValueError),
    ],
)
def test_wrong_subscription_is_refused(
    client: CallHistoryClient,
    subscribe: Callable[[CallHistoryClient], object],
    error: type[Exception],
) -> None:
    """A name that is no event's, or a handler that cannot be called, is refused at once."""
    with pytest.raises(error):
        subscribe(client)
