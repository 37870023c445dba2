"""Test a receiver of your own: when a call is missed, a function posts to our desk.

    python -m pytest examples/test_my_receiver.py

The fixtures webex_sandbox and call_history_client come with callhistory[sandbox]: a Webex on this
machine, where a test lets calls happen, and a client of it. It needs no account, and never asks a
real one.
"""

import queue
import sys
from collections.abc import Callable

import pytest

from callhistory import CallHistoryClient, CallSessionEvent, Disposition
from callhistory.sandbox import Sandbox

Post = Callable[[str], object]


# What is tested, and would stand in a module of its own.
def tell_of_missed_calls(client: CallHistoryClient, post: Post) -> None:
    @client.on("callHistory:user_recent_sessions")
    def on_calls(event: CallSessionEvent) -> None:
        for session in event.data.user_sessions.user_sessions:
            if session.disposition == Disposition.MISSED:
                post(f"Missed: {session.other.name or 'somebody private'}")


# A desk that remembers what is posted to it. Receivers run in another thread: a queue's get()
# waits for them, with a deadline.
@pytest.fixture
def desk() -> queue.Queue[str]:
    return queue.Queue()


@pytest.fixture
def client(call_history_client: CallHistoryClient, desk: queue.Queue[str]) -> CallHistoryClient:
    tell_of_missed_calls(call_history_client, desk.put)
    call_history_client.listen()
    return call_history_client


def test_a_missed_call_is_posted(
    webex_sandbox: Sandbox, client: CallHistoryClient, desk: queue.Queue[str]
) -> None:
    webex_sandbox.place_call(name="Ada", disposition="MISSED")

    assert desk.get(timeout=10) == "Missed: Ada"


def test_a_private_caller_is_posted_without_a_name(
    webex_sandbox: Sandbox, client: CallHistoryClient, desk: queue.Queue[str]
) -> None:
    webex_sandbox.place_call(private=True, disposition="MISSED")

    assert desk.get(timeout=10) == "Missed: somebody private"


# Calls are heard in their order. So what is posted first shows that nothing came of those before.
def test_an_answered_call_is_not_posted(
    webex_sandbox: Sandbox, client: CallHistoryClient, desk: queue.Queue[str]
) -> None:
    webex_sandbox.place_call(name="Grace", disposition="Answered")
    webex_sandbox.place_call(name="Ada", disposition="MISSED")

    assert desk.get(timeout=10) == "Missed: Ada"
    assert desk.empty()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, *sys.argv[1:]]))
