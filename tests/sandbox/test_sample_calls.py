"""The sample calls that a sandbox starts with."""

from __future__ import annotations

import queue
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callhistory import CallHistoryClient, CallSessionEvent
from callhistory._records.timestamps import read_time
from callhistory.sandbox import Sandbox
from tests.sandbox.http_client import Http

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
    """Every disposition appears in each spelling that Webex uses."""
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
    """Each kind of session that a client must handle appears."""
    assert any(KINDS[kind](session) for session in sessions)


def test_sessions_can_be_complete() -> None:
    """Complete sessions have the addresses that others lack, and are otherwise the same."""
    found = sample(complete=True, backend="UCM_CALLING")

    assert all(isinstance(session["other"]["callbackAddress"], str) for session in found)
    assert all(isinstance(session["links"]["callbackAddress"], str) for session in found)
    assert [s["id"] for s in found] == [s["id"] for s in sample(backend="UCM_CALLING")]


def test_ids_are_unique(sessions: list[Session]) -> None:
    """Every session has a unique id, under both names."""
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


def test_calls_of_some_weeks_come_at_working_hours() -> None:
    """Over some weeks, most calls come on workdays; those outside desk hours are missed."""
    sessions = sample(sessions=400, days=28)
    ended = {s["sessionId"]: read_time(s["endTime"]).astimezone() for s in sessions}
    missed = {s["sessionId"] for s in sessions if s["disposition"] == "MISSED"}
    incoming = {s["sessionId"] for s in sessions if s["direction"] == "INCOMING"}
    away = {
        name
        for name, end in ended.items()
        if end.weekday() > 4 or end.hour not in {9, 10, 11, 13, 14, 15, 16}
    }

    assert len(ended) == 400
    assert list(ended.values()) == sorted(ended.values(), reverse=True)
    assert NOW - timedelta(days=28, hours=1) <= min(ended.values())
    assert max(ended.values()) <= NOW
    assert sum(end.weekday() > 4 for end in ended.values()) < 60
    assert len(missed & away) / len(incoming & away) > 0.6
    assert len(missed - away) / len(incoming - away) < 0.4
    callers = Counter(s["other"]["name"] for s in sessions if not s["other"]["isPrivate"])
    assert callers.most_common()[0][1] > 4 * callers.most_common()[-1][1]


def test_half_a_surrogate_pair_is_sent_as_json_has_it() -> None:
    """A name that UTF-8 cannot encode arrives unchanged, in the history and in an event."""
    with Sandbox(sessions=0) as cloud, CallHistoryClient(cloud.webex()) as client:
        heard: queue.Queue[CallSessionEvent] = queue.Queue()
        client.on("callHistory:user_recent_sessions", heard.put)
        client.listen()
        cloud.place_call(name="half \ud83d")

        (session,) = heard.get(timeout=10).data.user_sessions.user_sessions
        assert session.other.name == "half \ud83d"
        assert list(client.get_call_history_data()) == [session]
