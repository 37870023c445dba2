"""Live events: which reach whom, how often, and as what."""

from __future__ import annotations

from typing import Any

import pytest

from callhistory import (
    CallHistoryClient,
    CallSessionDeletedEvent,
    CallSessionEvent,
    CallSessionViewedEvent,
    Disposition,
    signals,
)
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import (
    DELETED,
    RECENT,
    VIEWED,
    Heard,
    acknowledged,
    hearing,
    ids_of,
    listening,
)
from tests.support.waiting import wait_until


def heard_of_one_more_call(cloud: Sandbox, heard: Heard, **call: Any) -> list[str]:
    """Place a call, and return the sessions that were delivered before it."""
    session_id = cloud.place_call(**call).session_id
    assert wait_until(lambda: session_id in heard.session_ids)
    return heard.session_ids[: heard.session_ids.index(session_id)]


# --- kinds ---


@pytest.mark.parametrize("legacy", [False, True])
def test_new_call_is_heard(cloud: Sandbox, legacy: bool) -> None:
    """A call reaches handlers and signals as it is in the history, also under its older name."""
    handled: list[CallSessionEvent] = []
    with listening(cloud) as (client, heard):
        client.on(RECENT, handled.append)

        session = cloud.place_call(name="Ada", disposition="MISSED", legacy=legacy)

        (event,) = heard.wait_for(CallSessionEvent)
        assert event.data.user_sessions.user_sessions == (session,)
        assert not event.recovered
        assert session.disposition is Disposition.MISSED
        assert session.other.name == "Ada"
        assert wait_until(lambda: handled == [event])
        (in_history,) = client.get_call_history_data(limit=1)
        assert in_history == session


@pytest.mark.parametrize("change", ["read", "deleted"])
def test_changes_by_another_client_are_heard(cloud: Sandbox, change: str) -> None:
    """What the user marks read or deletes elsewhere reaches handlers and signals by its id."""
    handled: list[Any] = []
    session = cloud.place_call()
    with listening(cloud) as (client, heard), CallHistoryClient(cloud.webex()) as phone:
        for name in (VIEWED, DELETED):
            client.on(name, handled.append)

        if change == "read":
            phone.update_missed_calls([session]).raise_for_status()
            (viewed,) = heard.wait_for(CallSessionViewedEvent)
            (mark,) = viewed.data.user_read_sessions.user_read_sessions
            assert mark.session_id == session.session_id
            assert wait_until(lambda: handled == [viewed])
        else:
            phone.delete_call_history_records([session]).raise_for_status()
            (deleted,) = heard.wait_for(CallSessionDeletedEvent)
            assert deleted.data.deleted_sessions == (session.session_id,)
            assert wait_until(lambda: handled == [deleted])


# --- who ---


def test_two_users_hear_their_own_only(cloud: Sandbox) -> None:
    """Clients of two users in one program each hear their own user's events."""
    grace = cloud.add_user("Grace", sessions=1)
    handled: dict[str, list[str]] = {"holder": [], "grace": []}
    with listening(cloud) as (one, heard), listening(cloud, user=grace) as (other, heard_by_grace):
        one.on(RECENT, lambda event: handled["holder"].extend(ids_of(event)))
        other.on(RECENT, lambda event: handled["grace"].extend(ids_of(event)))
        calls = {
            "holder": [cloud.place_call().session_id for _ in range(3)],
            "grace": [cloud.place_call(user=grace).session_id for _ in range(3)],
        }

        assert heard.wait_for_sessions(3) == calls["holder"]
        assert heard_by_grace.wait_for_sessions(3) == calls["grace"]
        assert handled == calls


def test_all_clients_of_a_user_hear_it(cloud: Sandbox) -> None:
    """Several clients of one user hear the same, each once."""
    with listening(cloud) as (_, heard), listening(cloud) as (_, heard_too):
        session = cloud.place_call()

        assert heard.wait_for_sessions(1) == [session.session_id]
        assert heard_too.wait_for_sessions(1) == [session.session_id]


def test_receiver_for_all_clients_gets_the_client(cloud: Sandbox) -> None:
    """A receiver without a sender hears all clients, and gets the client as the sender."""
    received: list[tuple[CallHistoryClient, str]] = []

    def receive(client: CallHistoryClient, event: CallSessionEvent) -> None:
        received.append((client, ids_of(event)[0]))

    grace = cloud.add_user("Grace")
    with (
        signals.user_recent_sessions.connected_to(receive),
        listening(cloud) as (one, _),
        listening(cloud, user=grace) as (other, _),
    ):
        first = cloud.place_call().session_id
        assert wait_until(lambda: received == [(one, first)])
        second = cloud.place_call(user=grace).session_id
        assert wait_until(lambda: received == [(one, first), (other, second)])


def test_client_that_does_not_listen_hears_nothing(cloud: Sandbox) -> None:
    """Without listen() a client has no connection, and its receivers are not called."""
    with CallHistoryClient(cloud.webex()) as silent, hearing(silent) as heard_nothing:
        silent.get_call_history_data().raise_for_status()
        with listening(cloud) as (_, heard):
            heard_of_one_more_call(cloud, heard)

        assert len(cloud.attempts) == 1
        assert heard_nothing.of(object) == []


# --- how often, and in which order ---


def test_events_come_in_order(cloud: Sandbox) -> None:
    """A hundred events arrive once each, in the order in which they happened."""
    with listening(cloud) as (_, heard):
        calls = [cloud.place_call().session_id for _ in range(100)]

        assert heard.wait_for_sessions(100) == calls


def test_envelope_is_delivered_once(cloud: Sandbox) -> None:
    """An envelope that comes again, on the same connection or the next, is not delivered again."""
    with listening(cloud) as (_, heard):
        session = cloud.place_call()
        (frame,) = cloud.wait_for_frames("janus.user_recent_sessions")
        envelope = frame.json

        cloud.send_frame(envelope)
        assert heard_of_one_more_call(cloud, heard) == [session.session_id]

        cloud.drop_connections()
        cloud.wait_for_connections(2)
        cloud.send_frame(envelope)
        assert heard_of_one_more_call(cloud, heard).count(session.session_id) == 1
        cloud.wait_until(lambda: acknowledged(cloud).count(envelope["id"]) == 3)


def test_what_comes_before_readiness_is_heard(cloud: Sandbox) -> None:
    """An event that comes before the connection is accepted is acknowledged and delivered."""
    data = {"eventType": "janus.user_sessions_deleted", "deletedSessions": ["early"]}
    cloud.precede_readiness(data)
    with listening(cloud) as (_, heard):
        (event,) = heard.wait_for(CallSessionDeletedEvent)

        assert event.data.deleted_sessions == ("early",)
        (frame,) = cloud.frames_of("janus.user_sessions_deleted")
        cloud.wait_until(lambda: frame.json["id"] in acknowledged(cloud))


# --- what is in it ---


def test_large_event_is_delivered(cloud: Sandbox) -> None:
    """An event of several megabytes is one like any other."""
    ids = [f"{number:0100}" for number in range(30_000)]
    with listening(cloud) as (_, heard):
        cloud.send_frame(
            {"data": {"eventType": "janus.user_sessions_deleted", "deletedSessions": ids}}
        )

        (event,) = heard.wait_for(CallSessionDeletedEvent)
        assert list(event.data.deleted_sessions) == ids
        assert len(cloud.attempts) == 1


def test_envelopes_without_a_usable_id_are_all_delivered(cloud: Sandbox) -> None:
    """Envelopes without an id, or with none that can be one, are no two times the same."""
    with listening(cloud) as (_, heard):
        session = cloud.place_call()
        (frame,) = cloud.wait_for_frames("janus.user_recent_sessions")
        unfit: list[Any] = [None, [], {}, 1.5, True]
        for identifier in unfit:
            cloud.send_frame({**frame.json, "id": identifier})

        assert heard.wait_for_sessions(6) == [session.session_id] * 6
