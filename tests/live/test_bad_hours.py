"""What a listener meets in its worst hours, one trouble at a time: nothing is lost or doubled."""

from __future__ import annotations

import logging
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callhistory import (
    CallHistoryClient,
    CallSessionViewedEvent,
    ListenError,
    TransportError,
    signals,
)
from callhistory._records.timestamps import write_time
from callhistory.sandbox import Sandbox
from tests.live.test_outages import fetches, go_offline, place_calls, split, wait_for_recovery
from tests.support.error_contents import failure_of
from tests.support.listening_clients import ONLINE, RECENT, hearing, listening, offline
from tests.support.waiting import wait_until
from tests.support.wire_samples import a_session

HISTORY = "/history/userSessions"


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callhistory._live.recovery._FIRST_BACKOFF", 0.001)


# --- frames ---


@pytest.mark.parametrize("code", [1001, 4000, 4400])
def test_what_came_before_a_close_is_delivered(code: int) -> None:
    """Frames that were received right before a close are delivered, whatever the code."""
    for _ in range(5):
        with Sandbox(ack_timeout=1000) as cloud, listening(cloud) as (_, heard):
            calls = place_calls(cloud, 5)
            cloud.close_connections(code)

            assert heard.wait_for_sessions(5)[:5] == calls


def test_read_marks_before_a_close_are_delivered(cloud: Sandbox) -> None:
    """What cannot be recovered is not dropped because its acknowledgement can't be sent."""
    sessions = [cloud.place_call() for _ in range(5)]
    with cloud.webex() as webex, CallHistoryClient(webex) as phone, listening(cloud) as (_, heard):
        for session in sessions:
            assert phone.update_missed_calls([session]).ok
        cloud.close_connections(1001)

        marks = heard.wait_for(CallSessionViewedEvent, 5)
        read = [mark.data.user_read_sessions.user_read_sessions[0].session_id for mark in marks]
        assert read == [session.session_id for session in sessions]


@pytest.mark.parametrize("depth", [21, 600, 50_000])
def test_override_that_reaches_too_deep_is_left_out(cloud: Sandbox, depth: int) -> None:
    """A frame with an endless path in its headers costs neither the event nor the connection."""
    with listening(cloud) as (_, heard):
        data = {
            "eventType": "janus.user_recent_sessions",
            "userSessions": {"userSessions": [a_session(sessionId="deep")]},
            "headers": {"a" + ".a" * depth: 1},
        }
        cloud.send_frame({"id": "1", "data": data})
        call = cloud.place_call()

        assert heard.wait_for_sessions(2) == ["deep", call.session_id]
        assert heard.states == [ONLINE]


def test_frames_that_come_in_pieces_are_read(cloud: Sandbox) -> None:
    """Events that a slow connection brings byte for byte are delivered, and it stays up."""
    with listening(cloud) as (_, heard):
        cloud.slow_down(0.005)
        calls = place_calls(cloud, 3)
        assert heard.wait_for_sessions(3) == calls
        cloud.slow_down(0)
        calls += place_calls(cloud, 1)
        assert heard.wait_for_sessions(4) == calls
        assert heard.states == [ONLINE]


@pytest.mark.parametrize("pause", [-1, float("nan")])
def test_pause_of_a_slow_connection_is_one(cloud: Sandbox, pause: float) -> None:
    """A pause below 0 is refused when it is scripted."""
    with pytest.raises(ValueError, match="pause must be"):
        cloud.slow_down(pause)


# --- recovery ---


def test_unreadable_session_does_not_keep_the_others_from_being_recovered(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Of an outage's sessions, those that can be read are delivered; the log says which cannot."""
    with listening(cloud) as (_, heard):
        go_offline(cloud)
        now = datetime.now(UTC)
        times = {"startTime": write_time(now), "endTime": write_time(now)}
        page = [
            a_session(**{**times, "sessionId": "one"}),
            a_session(**{**times, "sessionId": "two", "startTime": "never"}),
            "no session",
            a_session(**{**times, "sessionId": "three"}),
        ]
        cloud.fail_next(HISTORY, body={"userSessions": page})
        cloud.go_online()

        assert heard.wait_for_sessions(2)[:2] == ["one", "three"]
    assert "left out: userSessions[1].startTime" in caplog.text
    assert "left out: userSessions[2] is a string" in caplog.text


@pytest.mark.parametrize("minutes", [-10, 10])
def test_clocks_that_differ_lose_and_double_nothing(minutes: int) -> None:
    """Ten minutes between the two clocks: an outage's calls are recovered, none from before."""

    def theirs() -> datetime:
        return datetime.now(UTC) + timedelta(minutes=minutes)

    with Sandbox(clock=theirs, sessions=0) as cloud:
        for number in range(3):
            cloud.place_call(ended_at=theirs() - timedelta(seconds=5 + number))
        with listening(cloud) as (_, heard):
            before = [cloud.place_call().session_id for _ in range(2)]
            heard.wait_for_sessions(2)
            go_offline(cloud)
            missed = [cloud.place_call().session_id for _ in range(5)]
            cloud.go_online()
            heard.wait_for_sessions(7)
            wait_for_recovery(cloud, heard)

            live, recovered = split(heard)
            assert live == before
            assert len(recovered) == 6
            del recovered[5]
            assert sorted(recovered) == sorted(missed)


def test_numbers_that_always_jump_are_no_reason_to_hammer(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames whose numbers jump all the time make it fetch now and then, not with every frame."""
    monkeypatch.setattr("callhistory._live.recovery._FIRST_BACKOFF", 0.3)
    with listening(cloud) as (_, heard):
        for number in range(0, 2000, 20):
            cloud.send_frame({"data": {}, "sequenceNumber": number})
        cloud.place_call()
        heard.wait_for_sessions(1)
        cloud.wait_for_requests(HISTORY)

        assert len(fetches(cloud)) <= 2


def test_retry_after_of_the_history_is_heeded(cloud: Sandbox) -> None:
    """A recovery that is told to come back later does so."""
    with listening(cloud, max_retries=0) as (_, heard):
        go_offline(cloud)
        missed = place_calls(cloud, 1)
        cloud.fail_next(HISTORY, retry_after=1, times=1)
        cloud.go_online()

        assert heard.wait_for_sessions(1) == missed
        first, second = fetches(cloud)[:2]
        assert second.received_at - first.received_at >= 1


def test_old_connection_that_dies_in_a_hand_over_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the old connection swallowed before the new one was ready is fetched."""
    monkeypatch.setattr("callhistory._live.protocol.PONG_TIMEOUT", 0.3)
    monkeypatch.setattr("callhistory._live.protocol.PING_INTERVAL", 0.1)
    with Sandbox(ack_timeout=1000) as cloud, listening(cloud) as (_, heard):
        (old,) = cloud.connections
        cloud.delay_readiness(0.2)
        cloud.announce_shutdown(linger=1000)
        cloud.go_silent(connection=old)
        lost = place_calls(cloud, 3)
        cloud.wait_for_connections(2)

        assert sorted(heard.wait_for_sessions(3)) == sorted(lost)


# --- sleep ---


def test_wall_clock_that_jumps_is_followed_by_a_ping(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a sleep the connection is asked at once whether it lives, or else it is dropped."""
    monkeypatch.setattr("callhistory._live.reader._LOOK_UP", 0.02)
    monkeypatch.setattr("callhistory._live.protocol.DOUBT_TIMEOUT", 0.3)
    real, slept = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: real() + slept)
    with listening(cloud) as (_, heard):
        cloud.wait_for_frames("ping", direction="received")
        slept = 3600.0
        cloud.wait_for_frames("ping", direction="received", count=2)
        assert heard.states == [ONLINE]
        cloud.go_silent()
        slept = 7200.0

        heard.wait_for(signals.Online, 2)
        assert heard.states[1] == offline(None, "no pong within 0 s")


# --- programs ---


class Broken(logging.Handler):
    """A handler that raises."""

    def emit(self, record: logging.LogRecord) -> None:
        raise OSError("the disk is full")


def test_logger_that_raises_ends_nothing(cloud: Sandbox) -> None:
    """With a logger whose handler raises, receivers are called and the connection comes back."""
    logger = logging.Logger("mine")
    logger.addHandler(Broken())
    client = CallHistoryClient(cloud.webex(), logger)

    @client.on(RECENT)
    def fail(_event: object) -> None:
        raise ValueError

    with hearing(client) as heard, client:
        client.listen()
        place_calls(cloud, 2)
        heard.wait_for_sessions(2)
        cloud.close_connections(1001)
        heard.wait_for(signals.Online, 2)
        place_calls(cloud, 1)
        heard.wait_for_sessions(3)


class Odd:
    """A receiver that nobody can look at."""

    def __call__(self, _event: object) -> None:
        raise ValueError

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_receiver_that_cannot_be_looked_at_ends_nothing(cloud: Sandbox) -> None:
    """A handler that raises, and whose attributes raise too, does not end the delivery."""
    client = CallHistoryClient(cloud.webex())
    client.on(RECENT, Odd())
    with hearing(client) as heard, client:
        client.listen()
        place_calls(cloud, 1)
        cloud.close_connections(1001)
        heard.wait_for(signals.Online, 2)


def test_listening_again_delivers_what_was_taken_before(cloud: Sandbox) -> None:
    """After a permanent refusal, listen() keeps what waits for a slow receiver, and its thread."""
    go, threads = threading.Event(), set()
    client = CallHistoryClient(cloud.webex())

    @client.on(RECENT)
    def slow(_event: object) -> None:
        threads.add(threading.get_ident())
        assert go.wait(20)

    with hearing(client) as heard, client:
        client.listen()
        calls = place_calls(cloud, 5)
        assert wait_until(lambda: threads)
        cloud.wait_for_frames("ack", direction="received", count=6)
        cloud.close_connections(4000, "replaced")
        with pytest.raises(ListenError):
            client.wait(10)
        client.listen()
        go.set()

        assert heard.wait_for_sessions(5) == calls
        calls += place_calls(cloud, 1)
        assert heard.wait_for_sessions(6) == calls
        assert heard.states == [ONLINE, offline(4000, "replaced", reconnecting=False), ONLINE]
        assert len(threads) == 1


def test_failed_listen_leaves_the_earlier_ones_receivers(cloud: Sandbox) -> None:
    """A listen() that fails after one that succeeded keeps the thread, and may be called again."""
    client = CallHistoryClient(cloud.webex(max_retries=0))
    with hearing(client) as heard, client:
        client.listen()
        cloud.close_connections(4400)
        with pytest.raises(ListenError):
            client.wait(10)
        cloud.fail_upgrades(status=403, times=1)
        cloud.delay_readiness(1000)
        assert isinstance(failure_of(lambda: client.listen(0.3)), ListenError)
        assert not client.listening
        client.listen()
        calls = place_calls(cloud, 1)
        assert heard.wait_for_sessions(1) == calls


def test_second_client_of_a_webex_that_listens_is_refused(cloud: Sandbox) -> None:
    """A device has one connection: the second listen() says so, and the first goes on."""
    with listening(cloud) as (first, heard), CallHistoryClient(first._webex) as second:
        with pytest.raises(ListenError, match="another client of this Webex listens already"):
            second.listen(5)
        place_calls(cloud, 1)
        heard.wait_for_sessions(1)
        first.close()
        second.listen()
        assert second.listening


def test_error_of_listen_has_no_token_in_its_frames(cloud: Sandbox) -> None:
    """What prints the variables of an error's frames finds no token among them."""
    cloud.fail_next("/devices", reset=True, times=100)
    with CallHistoryClient(cloud.webex(max_retries=0)) as client:
        error = failure_of(lambda: client.listen(0.5))

    assert isinstance(error, TransportError)
    frame, names = error.__traceback__, []
    while frame is not None:
        names += [name for name in frame.tb_frame.f_locals if "token" in name]
        frame = frame.tb_next
    assert names == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_forked_child_of_a_listening_parent_is_told(cloud: Sandbox) -> None:
    """In a forked child the parent's client refuses to work, and closing it closes nothing."""
    with listening(cloud) as (client, heard):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            told = [str(client.listening)]
            for use in (client.listen, client.get_call_history_data):
                try:
                    use()
                except RuntimeError as error:
                    told.append(str(error))
            client.close()
            os.write(writing, "\n".join(told).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            lines = pipe.read().split("\n")
        os.waitpid(child, 0)

        assert lines[0] == "False"
        assert len(lines) == 3
        assert all("used before the process forked" in line for line in lines[1:])
        place_calls(cloud, 1)
        heard.wait_for_sessions(1)
        assert len(cloud.devices) == 1


@pytest.mark.parametrize(
    ("timeout", "kind"),
    [("x", TypeError), ([], TypeError), (True, TypeError), (float("nan"), ValueError)],
)
def test_wait_takes_seconds(cloud: Sandbox, timeout: Any, kind: type[Exception]) -> None:
    """What is no number of seconds is refused by its name; an endless one has no end."""
    with listening(cloud) as (client, _):
        with pytest.raises(kind, match="timeout: expected seconds"):
            client.wait(timeout)
        threading.Timer(0.05, client.close).start()
        assert client.wait(float("inf"))


def test_cell_that_connects_for_one_client_after_all(cloud: Sandbox) -> None:
    """A cell that connected for all clients, run again for one, leaves one receiver."""
    program = """
def pop(client, event): pass
signals.user_recent_sessions.connect(pop)
"""
    again = program.replace(".connect(pop)", ".connect(pop, sender=client)")
    client = CallHistoryClient(cloud.webex())
    held = []
    for source in (program, again):
        cell: dict[str, Any] = {"__name__": "__main__", "signals": signals, "client": client}
        exec(source, cell)
        held.append(cell["pop"])
    receivers = list(signals.user_recent_sessions.receivers_for(client))
    assert receivers == [held[1]]
    signals.user_recent_sessions.disconnect(held[1])
    client.close()
