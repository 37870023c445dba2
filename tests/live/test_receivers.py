"""Handlers and receivers of live events that fail, block, and where they run."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from callhistory import CallHistoryClient, CallSessionEvent, signals
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import RECENT, hasten, ids_of, listening
from tests.support.receivers import Blocker, Calls, place_calls
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch)


# --- one that fails ---


@pytest.mark.parametrize(
    "error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, BaseException]
)
def test_receiver_that_raises_stops_nobody(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    """What a handler or receiver raises reaches the log and receiver_failed, and nobody else."""
    before, after = Calls(), Calls()
    raised: list[BaseException] = []

    def fail(event: Any) -> None:
        raised.append(error("sEcReT"))
        raise raised[-1]

    def fail_too(client: CallHistoryClient, event: Any) -> None:
        fail(event)

    with (
        listening(cloud) as (client, heard),
        signals.user_recent_sessions.connected_to(fail_too, sender=client),
    ):
        client.on(RECENT, before.handle)
        client.on(RECENT, fail)
        client.on(RECENT, after.handle)

        events = place_calls(cloud, heard, 3)

        assert before.events == after.events == events
        failures = heard.of(signals.ReceiverFailed)
        assert [failed.exception for failed in failures] == raised
        assert [failed.receiver for failed in failures] == [fail, fail_too] * 3
        assert [failed.event for failed in failures] == [each for each in events for _ in "12"]
        assert client.listening
        assert len(cloud.attempts) == 1
    assert caplog.text.count(f"raised {error.__name__} in fail, {__file__}") == 6
    assert "sEcReT" not in caplog.text


def test_receiver_of_failures_that_fails_is_only_logged(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A receiver of receiver_failed that raises is not told of itself, without end."""

    def fail(client: CallHistoryClient, event: Any) -> None:
        raise ValueError

    with (
        listening(cloud) as (client, heard),
        signals.receiver_failed.connected_to(fail, sender=client),
        signals.user_recent_sessions.connected_to(fail, sender=client),
    ):
        place_calls(cloud, heard, 2)

        assert len(heard.of(signals.ReceiverFailed)) == 2
    assert caplog.text.count("raised ValueError") == 4


def test_coroutine_is_no_handler(cloud: Sandbox) -> None:
    """An async function would never run: it is reported, at each event."""

    async def handle(event: Any) -> None: ...

    with listening(cloud) as (client, heard):
        client.on(RECENT, handle)
        place_calls(cloud, heard, 2)

        failures = heard.of(signals.ReceiverFailed)
        assert [(failed.receiver, type(failed.exception)) for failed in failures] == [
            (handle, TypeError)
        ] * 2


# --- one that is slow ---


def test_receiver_that_blocks_delays_those_after_it(cloud: Sandbox) -> None:
    """While one blocks, nobody else is called; then all are, in the order of the events."""
    calls = Calls()
    with Blocker() as blocker, listening(cloud) as (client, heard):
        client.on(RECENT, blocker.handle)
        client.on(RECENT, calls.handle)
        ids = [cloud.place_call().session_id for _ in range(10)]
        assert blocker.entered.wait(10)
        cloud.wait_for_frames("ack", direction="received", count=11)
        assert calls.events == []

        blocker.release()
        assert heard.wait_for_sessions(10) == ids
        assert wait_until(lambda: len(calls.events) == 10)
        assert [ids_of(event) for event in calls.events] == [[each] for each in ids]


def test_log_tells_of_a_slow_receiver(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When many events wait for a receiver, the log says so."""
    monkeypatch.setattr("callhistory._live.dispatcher._MANY", 5)
    with Blocker() as blocker, listening(cloud) as (client, heard):
        client.on(RECENT, blocker.handle)
        for _ in range(8):
            cloud.place_call()

        assert wait_until(lambda: "5 events wait for a slow receiver" in caplog.text)
        blocker.release()
        heard.wait_for_sessions(8)


# --- in which thread ---


def test_all_are_called_in_one_thread(cloud: Sandbox) -> None:
    """Handlers and receivers, of whatever signal, run in one daemon thread of the client's."""
    threads: list[threading.Thread] = []

    def receive(*_: object, **__: object) -> None:
        threads.append(threading.current_thread())

    def fail(_: object) -> None:
        receive()
        raise ValueError

    client = CallHistoryClient(cloud.webex())
    client.on(RECENT, receive)
    client.on(RECENT, fail)
    with (
        signals.online.connected_to(receive, sender=client),
        signals.offline.connected_to(receive, sender=client),
        signals.user_recent_sessions.connected_to(receive, sender=client),
        signals.receiver_failed.connected_to(receive, sender=client),
        client,
    ):
        client.listen()
        cloud.place_call()
        assert wait_until(lambda: len(threads) == 5)

    assert len(threads) == 6
    assert {(thread.name, thread.daemon) for thread in threads} == {("callhistory-receivers", True)}
    assert len(set(threads)) == 1


def test_handler_may_use_the_client(cloud: Sandbox) -> None:
    """A handler may fetch, mark and delete with the client that called it."""
    answers: list[bool] = []
    with listening(cloud) as (client, heard):

        @client.on(RECENT)
        def tidy_up(event: CallSessionEvent) -> None:
            sessions = event.data.user_sessions.user_sessions
            found = client.get_call_history_data(limit=1)
            answers.append([*found] == [*sessions])
            answers.append(client.update_missed_calls(sessions).ok)
            answers.append(client.delete_call_history_records(sessions).ok)

        place_calls(cloud, heard)
        place_calls(cloud, heard)
        assert answers == [True] * 6
