"""The sample calls that a sandbox starts with."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sandbox_http import Http

from callhistory.sandbox import Sandbox
from callhistory.times import read_time

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Session = dict[str, Any]


def sample(**options: Any) -> list[Session]:
    with Sandbox(clock=lambda: NOW, **options) as cloud, Http(cloud) as http:
        return http.sessions()


@pytest.fixture(scope="module")
def sessions() -> list[Session]:
    return sample()


def test_calls_are_of_the_last_days(sessions: list[Session]) -> None:
    """The sixty sessions are spread over six days, and none is in the future."""
    end_times = [read_time(session["endTime"]) for session in sessions]

    assert len(sessions) == 60
    assert NOW - timedelta(days=6, minutes=2) <= min(end_times)
    assert max(end_times) < NOW
    assert len({moment.date() for moment in end_times}) >= 6
    assert all(session["startTime"] < session["endTime"] for session in sessions)


def test_dispositions_come_in_both_spellings(sessions: list[Session]) -> None:
    """Every disposition is there as Webex writes it, and as it writes it elsewhere."""
    assert {session["disposition"] for session in sessions} == {
        "Answered",
        "ANSWERED",
        "Canceled",
        "CANCELED",
        "Initiated",
        "INITIATED",
        "MISSED",
    }


KINDS: dict[str, Callable[[Session], Any]] = {
    "incoming": lambda s: s["direction"] == "INCOMING",
    "outgoing": lambda s: s["direction"] == "OUTGOING",
    "spark": lambda s: s["sessionType"] == "SPARK",
    "calling": lambda s: s["sessionType"] == "WEBEXCALLING",
    "shared": lambda s: s["sessionType"] == "WEBEXCALLING_SHARED",
    "read": lambda s: s["disposition"] == "MISSED" and s.get("isRead"),
    "unread": lambda s: s["disposition"] == "MISSED" and "isRead" not in s,
    "redirected": lambda s: (
        s.get("callingSpecifics", {}).get("redirectionDetails", {})["reason"]
        if "callingSpecifics" in s
        else None
    ),
    "private": lambda s: s["other"]["isPrivate"] and "phoneNumber" not in s["other"],
    "external": lambda s: s["other"].get("sipUrl", "").endswith("@example.net"),
    "test": lambda s: s.get("isTest"),
    "lookup": lambda s: s["self"].get("lookUpInfo"),
    "callback": lambda s: s["self"]["callbackInfo"],
    "protocols": lambda s: s["self"]["incomingCallProtocols"] == [],
    "no callback address": lambda s: "callbackAddress" not in s["other"],
    "no links": lambda s: s["links"] == {},
    "markup": lambda s: "<" in s["other"].get("name", ""),
    "several people": lambda s: s["participantCount"] > 2,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_call_is_there(sessions: list[Session], kind: str) -> None:
    """Each kind that a client must cope with is there, and is not everything or rare."""
    assert any(KINDS[kind](session) for session in sessions)


def test_sessions_can_be_complete() -> None:
    """Complete sessions have the addresses that others miss, and are the same otherwise."""
    found = sample(complete=True, backend="UCM_CALLING")

    assert all(isinstance(session["other"]["callbackAddress"], str) for session in found)
    assert all(isinstance(session["links"]["callbackAddress"], str) for session in found)
    assert [s["id"] for s in found] == [s["id"] for s in sample(backend="UCM_CALLING")]


def test_ids_are_unique(sessions: list[Session]) -> None:
    """Every session has an id of its own, under both names."""
    assert len({session["id"] for session in sessions}) == 60
    assert all(session["id"] == session["sessionId"] for session in sessions)


def test_numbers_are_fictional(sessions: list[Session]) -> None:
    """Every phone number is from the range that is reserved for fiction."""
    numbers = re.findall(r"\+\d+", repr(sessions))

    assert numbers
    assert all(re.fullmatch(r"\+1\d{3}55501\d\d", number) for number in numbers)


def test_times_are_written_as_webex_does(sessions: list[Session]) -> None:
    """Times have milliseconds and a Z."""
    times = [session[name] for session in sessions for name in ("startTime", "endTime")]

    assert all(re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{3}Z", time) for time in times)


def test_seed_decides() -> None:
    """The same seed gives the same calls, another one gives others."""

    def without_port(found: list[Session]) -> str:
        return re.sub(r"127\.0\.0\.1:\d+", "", repr(found))

    assert without_port(sample(seed=7)) == without_port(sample(seed=7))
    assert without_port(sample(seed=7)) != without_port(sample(seed=8))


@pytest.mark.parametrize("count", [0, 1, 20, 300])
def test_number_of_sessions_can_be_chosen(count: int) -> None:
    """There are as many sessions as wanted."""
    assert len(sample(sessions=count)) == count


@pytest.mark.parametrize("backend", ["UCM_CALLING", "BROADWORKS_CALLING"])
def test_only_webex_calling_has_shared_lines(backend: str) -> None:
    """Other backends have no shared sessions; UCM, and only it, has directory numbers."""
    found = sample(backend=backend)

    assert {session["sessionType"] for session in found} == {"SPARK", "WEBEXCALLING"}
    assert any("cucmDN" in session["self"] for session in found) == (backend == "UCM_CALLING")
