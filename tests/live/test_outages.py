"""The calls of an outage: fetched and delivered when it is over, once each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from callhistory import CallSessionEvent, signals
from callhistory._records.timestamps import write_time
from callhistory.sandbox import Sandbox
from tests.support.limits import BRISK
from tests.support.listening_clients import listening
from tests.support.outages import (
    HISTORY,
    go_offline,
    place_calls,
    split,
    wait_for_recovery,
)
from tests.support.waiting import wait_until
from tests.support.wire_samples import a_session

# --- what is delivered ---


def test_calls_of_an_outage_are_delivered_once(cloud: Sandbox) -> None:
    """Five calls come in during an outage: they are delivered after it, none of those before."""
    with listening(cloud) as (_, heard):
        before = place_calls(cloud, 3)
        heard.wait_for_sessions(3)
        go_offline(cloud)
        missed = place_calls(cloud, 5)
        cloud.go_online()
        assert heard.wait_for_sessions(8) == before + missed
        wait_for_recovery(cloud, heard)

        live, recovered = split(heard)
        assert live == before
        assert recovered[:5] == missed
        assert len(recovered) == 6


def test_recovered_sessions_are_as_in_the_history(cloud: Sandbox) -> None:
    """Recovered sessions come as one event after online, whose recovered is true."""
    with listening(cloud) as (client, heard):
        go_offline(cloud)
        place_calls(cloud, 2)
        cloud.go_online()

        (event,) = heard.wait_for(CallSessionEvent)
        assert event.recovered
        history = client.get_call_history_data(limit=2)
        assert event.data.user_sessions.user_sessions == tuple(reversed(history))
        everything = heard.of(object)
        assert everything[-2:] == [signals.Online(), event]


def test_sessions_from_before_listen_are_not_delivered(cloud: Sandbox) -> None:
    """What ended before listen() is never delivered, however short before."""
    a_moment_ago = datetime.now(UTC) - timedelta(milliseconds=5)
    earlier = [cloud.place_call(ended_at=a_moment_ago).session_id for _ in range(3)]
    with listening(cloud) as (_, heard):
        go_offline(cloud)
        old = cloud.place_call(ended_at=datetime.now(UTC) - timedelta(seconds=30)).session_id
        missed = place_calls(cloud, 1)
        cloud.go_online()

        assert heard.wait_for_sessions(1) == missed
        wait_for_recovery(cloud, heard)
        assert not {old, *earlier} & set(heard.session_ids)
        (began,) = {fetch.query["from"] for fetch in cloud.requests_to(HISTORY)[:1]}
        assert datetime.fromisoformat(began) > datetime.now(UTC) - timedelta(seconds=30)


def test_recovery_overlaps_with_what_came_before(cloud: Sandbox) -> None:
    """What ended up to the overlap before the last frame is fetched, unless it was delivered."""
    limits = evolve(BRISK, recovery_overlap=timedelta(seconds=0.5))
    with listening(cloud, _limits=limits) as (_, heard):
        began = datetime.now(UTC)
        assert wait_until(lambda: datetime.now(UTC) > began + timedelta(seconds=1.7))
        before = place_calls(cloud, 1)
        heard.wait_for_sessions(1)
        go_offline(cloud)
        last_frame = datetime.now(UTC)
        late = cloud.place_call(ended_at=last_frame - timedelta(seconds=0.3)).session_id
        cloud.place_call(ended_at=last_frame - timedelta(seconds=1.6))
        cloud.go_online()

        assert heard.wait_for_sessions(2) == [*before, late]
        wait_for_recovery(cloud, heard)
        assert len(heard.session_ids) == 3


def test_first_connection_recovers_nothing(cloud: Sandbox) -> None:
    """At the first connection there is no outage: the history is not fetched."""
    cloud.fail_upgrades(status=503, times=2)
    with listening(cloud) as (_, heard):
        place_calls(cloud, 1)
        heard.wait_for_sessions(1)

    assert cloud.requests_to(HISTORY) == ()


# --- many ---


@pytest.mark.parametrize("apart", [0, 1], ids=["in one millisecond", "apart"])
def test_more_than_a_page_is_delivered(cloud: Sandbox, apart: int) -> None:
    """All pages are fetched, also of calls that ended in the same millisecond."""
    with listening(cloud) as (_, heard):
        go_offline(cloud)
        now = datetime.now(UTC)
        missed = [
            cloud.place_call(ended_at=now + timedelta(milliseconds=number // 7 * apart)).session_id
            for number in range(120)
        ]
        cloud.go_online()

        assert sorted(heard.wait_for_sessions(120)) == sorted(missed)
        wait_for_recovery(cloud, heard)
        assert len(heard.session_ids) == 121
        assert {event.recovered for event in heard.of(CallSessionEvent)} == {True}


def test_call_that_ends_while_pages_are_fetched_is_not_lost(cloud: Sandbox) -> None:
    """A call that comes in between two pages is delivered."""
    with listening(cloud) as (_, heard):
        go_offline(cloud)
        missed = place_calls(cloud, 60)
        cloud.fail_next(HISTORY, delay=0.2)
        cloud.fail_next(HISTORY, delay=0.2)
        cloud.go_online()
        cloud.wait_for_requests(HISTORY, "GET", count=2)
        between = cloud.place_call().session_id

        assert sorted(heard.wait_for_sessions(61)) == sorted([*missed, between])
        wait_for_recovery(cloud, heard)
        assert heard.session_ids.count(between) == 1


# --- when it fails ---


@pytest.mark.parametrize(
    "fault",
    [
        *({"status": status} for status in (500, 429, 403)),
        *({"reset": True}, {"body": "nonsense"}),
    ],
    ids=str,
)
def test_recovery_that_fails_is_tried_again(cloud: Sandbox, fault: dict[str, Any]) -> None:
    """The history may refuse for a while, or not answer: the calls are delivered in the end."""
    with listening(cloud, max_retries=0) as (_, heard):
        go_offline(cloud)
        missed = place_calls(cloud, 5)
        cloud.fail_next(HISTORY, times=4, **fault)
        cloud.go_online()

        assert heard.wait_for_sessions(5) == missed
        assert len(cloud.requests_to(HISTORY)) >= 5


def test_recovery_that_fails_halfway_delivers_the_rest(cloud: Sandbox) -> None:
    """When a later page fails, what was delivered is not delivered again."""
    with listening(cloud, max_retries=0) as (_, heard):
        go_offline(cloud)
        missed = place_calls(cloud, 120)
        cloud.fail_next(HISTORY, delay=0)
        cloud.fail_next(HISTORY, status=500, times=3)
        cloud.go_online()

        assert heard.wait_for_sessions(120) == missed
        assert len(cloud.requests_to(HISTORY)) >= 6


def test_outage_during_a_failed_recovery_begins_with_the_first(cloud: Sandbox) -> None:
    """An outage before the first is recovered extends it: the calls of both are delivered."""
    with listening(cloud, max_retries=0) as (_, heard):
        go_offline(cloud)
        missed = place_calls(cloud, 2)
        cloud.fail_next(HISTORY, status=500, times=10_000)
        cloud.go_online()
        cloud.wait_for_requests(HISTORY, "GET", count=2)
        go_offline(cloud)
        missed += place_calls(cloud, 2)
        cloud.clear_faults()
        cloud.go_online()

        assert sorted(heard.wait_for_sessions(4)) == sorted(missed)


def test_recovery_that_hangs_delays_nothing(cloud: Sandbox) -> None:
    """While the history does not answer, events are acknowledged and delivered as they come."""
    with listening(cloud) as (_, heard):
        go_offline(cloud)
        missed = place_calls(cloud, 2)
        cloud.fail_next(HISTORY, delay=30)
        cloud.go_online()
        cloud.wait_for_requests(HISTORY, "GET")
        connection = cloud.wait_for_connections(2)[-1]
        live = place_calls(cloud, 5)

        assert heard.wait_for_sessions(5) == live
        acks = cloud.wait_for_frames("ack", direction="received", connection=connection, count=6)
        assert len(acks) == 6
        assert not set(missed) & set(heard.session_ids)


def test_lost_frames_are_recovered(cloud: Sandbox) -> None:
    """When the numbers of frames jump, the sessions are fetched, over the same connection."""
    with listening(cloud) as (_, heard):
        before = place_calls(cloud, 2)
        heard.wait_for_sessions(2)
        cloud.go_silent()
        lost = place_calls(cloud, 5)
        cloud.speak_again()
        after = place_calls(cloud, 1)

        heard.wait_for_sessions(8)
        live, recovered = split(heard)
        assert live == before + after
        assert recovered == lost
        assert len(cloud.attempts) == 1
        assert heard.states == [signals.Online()]


# --- odd histories and clocks ---


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
    assert "left out: userSessions[2]: expected an object, found a string" in caplog.text


@pytest.mark.parametrize("minutes", [-10, 10])
def test_clocks_that_differ_lose_and_double_nothing(minutes: int) -> None:
    """With clocks ten minutes apart, the calls of an outage are recovered, and none before it."""

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


def test_numbers_that_always_jump_are_no_reason_to_hammer(cloud: Sandbox) -> None:
    """Frames whose numbers jump all the time make it fetch now and then, not with every frame."""
    limits = evolve(BRISK, first_recovery_backoff=30.0)
    with listening(cloud, _limits=limits) as (_, heard):
        for number in range(0, 2000, 20):
            cloud.send_frame({"data": {}, "sequenceNumber": number})
        cloud.place_call()
        heard.wait_for_sessions(1)
        cloud.wait_for_requests(HISTORY)

        assert len(cloud.requests_to(HISTORY)) <= 2  # the pages of one recovery
