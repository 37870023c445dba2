"""How many threads a listening client has."""

from __future__ import annotations

from callhistory.sandbox import Sandbox
from tests.support.listening_clients import library_threads, listening
from tests.support.waiting import wait_until


def test_listening_client_has_three_threads(cloud: Sandbox) -> None:
    """One reads the socket, one keeps the connection, one runs the receivers."""
    with listening(cloud) as (_, heard):
        cloud.place_call()
        heard.wait_for_sessions(1)
        assert sorted(library_threads()) == [
            "callhistory-mercury",
            "callhistory-receivers",
            "callhistory-socket",
        ]


def test_errands_have_a_thread_only_while_there_are_any(cloud: Sandbox) -> None:
    """After an outage a fourth thread fetches what was missed, and ends."""
    with listening(cloud) as (_, heard):
        cloud.fail_next("/history/userSessions", delay=0.5)
        with cloud.outage():
            cloud.place_call()
        cloud.wait_for_requests("/history/userSessions")
        assert "callhistory-errands" in library_threads()
        heard.wait_for_sessions(1)
        assert wait_until(lambda: len(library_threads()) == 3)
