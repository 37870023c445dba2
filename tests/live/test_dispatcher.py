"""The thread that receivers run in: one at a time, apart from the connection, and how it ends."""

from __future__ import annotations

import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from attrs import evolve

from callhistory import CallHistoryClient, CallSessionEvent, signals
from callhistory._live.dispatcher import Dispatcher
from callhistory._live.handlers import Handlers
from callhistory.sandbox import Sandbox
from tests.support.limits import BRISK
from tests.support.listening_clients import (
    ONLINE,
    RECENT,
    ids_of,
    library_threads,
    listening,
    offline,
)
from tests.support.receivers import Blocker, Calls, LiveClient
from tests.support.waiting import wait_until


def test_all_receivers_run_in_one_thread(cloud: Sandbox) -> None:
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


def test_receiver_that_blocks_delays_those_after_it(cloud: Sandbox) -> None:
    """While one blocks, frames are acknowledged and pings go on; then all are called, in order."""
    calls = Calls()
    limits = evolve(BRISK, ping_interval=0.02)
    with Blocker() as blocker, listening(cloud, _limits=limits) as (client, heard):
        client.on(RECENT, blocker.handle)
        client.on(RECENT, calls.handle)
        ids = [cloud.place_call().session_id for _ in range(10)]
        assert blocker.entered.wait(10)
        cloud.wait_for_frames("ack", direction="received", count=11)
        cloud.wait_for_frames("ping", count=len(cloud.frames_of("ping")) + 3)
        assert calls.events == []

        blocker.release()
        assert heard.wait_for_sessions(10) == ids
        assert wait_until(lambda: len(calls.events) == 10)
        assert [ids_of(event) for event in calls.events] == [[each] for each in ids]


def test_long_queue_is_logged_once(live: LiveClient, caplog: pytest.LogCaptureFixture) -> None:
    """When a thousand events wait for a slow receiver there is one warning, without the events."""

    def send(first: int, end: int) -> None:
        data = {"eventType": "janus.user_sessions_deleted", "deletedSessions": ["sEsSiOn"]}
        for number in range(first, end):
            live.cloud.send_frame({"id": f"envelope-{number}", "data": data})
        live.cloud.wait_for_frames("ack", direction="received", count=end)

    with Blocker() as blocker:
        live.client.on(RECENT, blocker.handle)
        live.cloud.place_call()
        assert blocker.entered.wait(10)
        send(2, 1001)
        assert caplog.records == []
        send(1001, 1004)
        assert wait_until(lambda: caplog.records)
    live.deliver()

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.messages == ["1000 events are waiting for a slow receiver"]


def test_handler_may_use_the_client(live: LiveClient) -> None:
    """A handler may fetch, mark and delete with the client that called it."""
    answers: list[bool] = []

    @live.client.on(RECENT)
    def tidy_up(event: CallSessionEvent) -> None:
        sessions = event.data.user_sessions.user_sessions
        found = live.client.get_call_history_data(limit=1)
        answers.append([*found] == [*sessions])
        answers.append(live.client.update_missed_calls(sessions).ok)
        answers.append(live.client.delete_call_history_records(sessions).ok)

    live.deliver()
    live.deliver()
    assert answers == [True] * 6


# --- how it ends ---


def test_close_drops_what_waits_and_delivers_offline(
    live: LiveClient, caplog: pytest.LogCaptureFixture
) -> None:
    """After the receiver that is running nothing but offline is delivered; the rest is counted."""
    caplog.set_level(logging.INFO, "callhistory")
    with Blocker() as blocker, ThreadPoolExecutor(1) as pool:
        live.client.on(RECENT, blocker.handle)
        first = live.cloud.place_call()
        assert blocker.entered.wait(10)
        live.cloud.place_call()
        live.cloud.place_call()
        live.cloud.wait_for_frames("ack", direction="received", count=4)
        closed = pool.submit(live.client.close)
        assert wait_until(lambda: not live.cloud.connections[-1].is_open)
        blocker.release()
        closed.result(10)

    assert live.heard.session_ids == [first.session_id]
    assert live.heard.states == [ONLINE, offline(None, "closed", reconnecting=False)]
    assert "closed: 2 events were not delivered" in caplog.messages


def test_last_event_whose_receiver_raises(live: LiveClient) -> None:
    """The thread ends also when a receiver of the last event fails."""

    def fail(client: CallHistoryClient, event: Any) -> None:
        raise SystemExit

    with signals.offline.connected_to(fail, sender=live.client):
        live.client.close()

    assert wait_until(lambda: not library_threads()), library_threads()


def test_thread_is_started_once_by_two_connections() -> None:
    """Connections that are accepted at the same moment start one thread between them."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(100):
                dispatcher = Dispatcher(None, Handlers(), logging.getLogger("callhistory"))
                together = threading.Barrier(4)

                def start(
                    _: int, dispatcher: Dispatcher = dispatcher, together: Any = together
                ) -> None:
                    together.wait(5)
                    dispatcher.start()

                list(pool.map(start, range(4)))
                dispatcher.close()
                dispatcher.thread.join(5)
                assert not dispatcher.thread.is_alive()
    finally:
        sys.setswitchinterval(interval)


def test_event_after_the_end_is_delivered_to_nobody(cloud: Sandbox) -> None:
    """An event that is put when the thread has ended is accepted, and no receiver is called."""
    calls = Calls()
    with listening(cloud) as (client, _):
        client.on(RECENT, calls.handle)
        dispatcher, _ = client._listener._delivery(client)
    assert not dispatcher.thread.is_alive()

    dispatcher.put(signals.user_recent_sessions, CallSessionEvent(data=None))  # type: ignore[arg-type] # unread

    assert calls.events == []
