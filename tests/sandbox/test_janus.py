"""The call history of the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from callhistory.sandbox import Sandbox
from callhistory.sandbox._world.announcements import LiveEvent, deleted_sessions, viewed_sessions
from tests.sandbox.http_client import Http, pair_of

Published = list[tuple[str, LiveEvent]]
WRONG_LIMITS = ("0", "-1", "1.0", "", "ten", "%D9%A3")
WRONG_TIMES = (
    "",
    "2026-11-20",
    "2026-11-20T10:00:00Z",
    "2026-11-20T10:00:00.000",
    "2026-11-20T10:00:00.000000Z",
    "2026-11-20T10:00:00.000%2B00:00",
    "2026-13-20T10:00:00.000Z",
    "1763632800000",
)
FROM = {"from": "2000-01-01T00:00:00.000Z"}


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Http]:
    """Yield a client of a sandbox whose history does not change."""
    with Sandbox() as running, Http(running) as client:
        before = client.sessions()
        yield client
        assert client.sessions() == before


@pytest.fixture
def published(cloud: Sandbox) -> Published:
    found: Published = []
    cloud._organization.announcements.subscribe(lambda user, event: found.append((user, event)))
    return found


class TestFetch:
    """GET userSessions."""

    def test_answer_has_the_documented_shape(self, unchanged: Http) -> None:
        """The body contains the status and the sessions."""
        answer = unchanged(
            "GET", unchanged.history, params=FROM | {"limit": "3", "sort": "DESC"}
        ).json()

        assert answer["statusCode"] == 200
        assert len(answer["userSessions"]) == 3

    @pytest.mark.parametrize(("sort", "descending"), [("ASC", False), ("DESC", True)])
    def test_is_sorted_by_end_time(self, unchanged: Http, sort: str, descending: bool) -> None:
        """Sessions are sorted by end time, and the limit applies after sorting."""
        everything = sorted((str(s["endTime"]) for s in unchanged.sessions()), reverse=descending)

        some = [session["endTime"] for session in unchanged.sessions(sort=sort, limit="7")]

        assert some == everything[:7]

    def test_from_is_the_earliest_end(self, unchanged: Http) -> None:
        """A session that ended in the millisecond of from is included, an earlier one is not."""
        end_times = [str(session["endTime"]) for session in unchanged.sessions()]

        found = unchanged.sessions(**{"from": end_times[9]})

        assert [session["endTime"] for session in found] == end_times[:10]

    def test_limit_and_sort_have_defaults(self, cloud: Sandbox, http: Http) -> None:
        """Without a limit there are 50 sessions, the latest first."""
        answer = http("GET", http.history, params=FROM | {"includeNewSessionTypes": "true"})

        end_times = [session["endTime"] for session in answer.json()["userSessions"]]
        assert len(end_times) == 50
        assert end_times == sorted(end_times, reverse=True)

    @pytest.mark.parametrize(
        ("asked", "types"),
        [
            ({}, {"SPARK"}),
            ({"includeNewSessionTypes": "false"}, {"SPARK"}),
            ({"includeSharedSessions": "true"}, {"SPARK"}),
            ({"includeNewSessionTypes": "true"}, {"SPARK", "WEBEXCALLING"}),
            (
                {"includeNewSessionTypes": "true", "includeSharedSessions": "true"},
                {"SPARK", "WEBEXCALLING", "WEBEXCALLING_SHARED"},
            ),
        ],
    )
    def test_session_types_must_be_asked_for(
        self, unchanged: Http, asked: dict[str, str], types: set[str]
    ) -> None:
        """Without the parameters, some types of session are left out."""
        answer = unchanged("GET", unchanged.history, params=FROM | {"limit": "1000"} | asked)

        assert {session["sessionType"] for session in answer.json()["userSessions"]} == types

    @pytest.mark.parametrize(
        ("rule", "query"),
        [
            ("from", ""),
            *(("from", f"from={text}") for text in WRONG_TIMES),
            ("from", "from={}&from={}"),
            *(("limit", f"from={{}}&limit={text}") for text in WRONG_LIMITS),
            ("sort", "from={}&sort=desc"),
            ("sort", "from={}&sort="),
            ("includeNewSessionTypes", "from={}&includeNewSessionTypes=True"),
            ("includeNewSessionTypes", "from={}&includeNewSessionTypes=1"),
            ("includeSharedSessions", "from={}&includeSharedSessions=yes"),
            ("sortBy", "from={}&sortBy=endTime"),
            ("days", "from={}&days=7"),
        ],
    )
    def test_broken_rule_is_named(self, unchanged: Http, rule: str, query: str) -> None:
        """A parameter that breaks a rule is refused, and the message names it."""
        answer = unchanged("GET", f"{unchanged.history}?{query.replace('{}', FROM['from'])}")

        assert answer.status_code == 400
        assert rule in answer.json()["message"]

    def test_names_are_not_escaped(self, cloud: Sandbox, http: Http) -> None:
        """Names outside ASCII go over the wire in UTF-8."""
        cloud.place_call(name="Łucja Ŝtark")

        answer = http("GET", http.history, params=FROM | {"includeNewSessionTypes": "true"})

        assert "Łucja Ŝtark".encode() in answer.content


class TestMarkRead:
    """POST setReadState."""

    def test_marked_sessions_are_read(self, http: Http) -> None:
        """Marked sessions, and no others, have become read."""
        unread = [session for session in http.sessions() if "isRead" not in session]
        first, second, *others = unread

        answer = http.mark(pair_of(first), pair_of(second))

        assert answer.json()["statusCode"] == 200
        read = {session["sessionId"] for session in http.sessions() if session.get("isRead")}
        assert {first["sessionId"], second["sessionId"]} <= read
        assert not {session["sessionId"] for session in others} & read

    def test_is_idempotent(self, http: Http) -> None:
        """A second mark changes nothing more."""
        pair = pair_of(http.sessions()[0])
        http.mark(pair)
        before = http.sessions()

        assert http.mark(pair).status_code == 200
        assert http.sessions() == before

    def test_is_published(self, cloud: Sandbox, http: Http, published: Published) -> None:
        """A mark is announced with the user and the sessions."""
        session = http.sessions()[0]

        http.mark(pair_of(session))

        assert published == [(cloud.user.id, viewed_sessions([session["sessionId"]]))]


class TestDelete:
    """POST markAsDeleted."""

    def test_deleted_sessions_are_gone(self, http: Http) -> None:
        """Deleted sessions, and no others, are no longer returned."""
        first, *others = http.sessions()

        answer = http.delete(pair_of(first))

        assert answer.json()["statusCode"] == 200
        assert http.sessions() == others

    def test_is_idempotent(self, http: Http) -> None:
        """A second deletion is a success."""
        pair = pair_of(http.sessions()[0])

        assert http.delete(pair).status_code == 200
        assert http.delete(pair).status_code == 200

    def test_is_published(self, cloud: Sandbox, http: Http, published: Published) -> None:
        """A deletion is announced once, however often it is requested."""
        session = http.sessions()[0]

        http.delete(pair_of(session), pair_of(session))
        http.delete(pair_of(session))

        assert published == [(cloud.user.id, deleted_sessions([session["sessionId"]]))]


WRITES = [("setReadState", "endTimeSessionIds"), ("markAsDeleted", "deleteSessionIds")]


@pytest.mark.parametrize(("resource", "key"), WRITES)
class TestWrites:
    """What both writes have in common."""

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("endTime", None),
            ("endTime", True),
            ("endTime", "1763632800000"),
            ("endTime", 1763632800000.0),
            ("endTime", "2026-11-20T10:00:00.000Z"),
            ("sessionId", ""),
            ("sessionId", None),
            ("sessionId", 5),
        ],
    )
    def test_wrong_field_is_named(
        self, unchanged: Http, resource: str, key: str, field: str, value: object
    ) -> None:
        """A wrong field is refused with its position, and no entry of the list is processed."""
        before = unchanged.sessions()
        good = pair_of(before[0])

        body = {key: [good, good | {field: value}]}
        answer = unchanged("POST", f"{unchanged.history}/{resource}", json=body)

        assert answer.status_code == 400
        assert f"{key}[1].{field}" in answer.json()["message"]
        assert unchanged.sessions() == before

    @pytest.mark.parametrize(
        "body", [[], {}, {"KEY": []}, {"KEY": {}}, {"KEY": None}, {"KEY": ["x"]}, {"KEY": [{}]}, 1]
    )
    def test_wrong_body_is_refused(
        self, unchanged: Http, resource: str, key: str, body: object
    ) -> None:
        """A body without a non-empty list of pairs is refused."""
        if isinstance(body, dict) and "KEY" in body:
            body = {key: body["KEY"]}

        assert unchanged.status("POST", f"{unchanged.history}/{resource}", json=body) == 400

    def test_body_must_be_json(self, unchanged: Http, resource: str, key: str) -> None:
        """A body that is not JSON, or has another content type, is refused."""
        url = f"{unchanged.history}/{resource}"
        pairs = json.dumps({key: [{"endTime": 1, "sessionId": "x"}]})

        unnamed = unchanged("POST", url, data=pairs, headers={"content-type": "text/plain"})
        broken = unchanged("POST", url, data="{", headers={"content-type": "application/json"})
        named = unchanged("POST", url, data=pairs, headers={"content-type": "application/json"})

        assert (unnamed.status_code, "content-type" in unnamed.text) == (400, True)
        assert (broken.status_code, "JSON" in broken.json()["message"]) == (400, True)
        assert named.status_code == 200

    @pytest.mark.parametrize("change", [{"endTime": 1}, {"sessionId": "unknown"}])
    def test_pair_must_match_exactly(
        self,
        http: Http,
        published: Published,
        resource: str,
        key: str,
        change: dict[str, object],
    ) -> None:
        """A pair of which only one half matches is a success that changes nothing."""
        before = http.sessions()

        body = {key: [pair_of(before[0]) | change]}
        answer = http("POST", f"{http.history}/{resource}", json=body)

        assert answer.status_code == 200
        assert http.sessions() == before
        assert published == []


def test_users_have_their_own_history(cloud: Sandbox, http: Http) -> None:
    """What one user marks or deletes is not found in the history of another."""
    other = cloud.add_user("Wilma Berg", sessions=5)
    with Http(cloud, other) as theirs:
        before = theirs.sessions()

        http.delete(*map(pair_of, before))

        assert len(before) == 5
        assert theirs.sessions() == before
