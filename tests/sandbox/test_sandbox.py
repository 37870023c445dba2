"""The sandbox as its user sees it: its life, people, tokens, calls and what it was asked."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests

from callhistory._records.decode import to_wire
from callhistory._records.enums import Direction, Disposition, SessionType
from callhistory.sandbox import Sandbox
from callhistory.sandbox._world.changes import Change, ChangeKind
from tests.sandbox.http_client import Http

CATALOG = "/u2c/api/v1/catalog?format=hostmap"


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def http(cloud: Sandbox) -> Iterator[Http]:
    with Http(cloud) as client:
        yield client


def vars_of(webex: object) -> dict[str, Any]:
    return cast(dict[str, Any], webex)


class TestLife:
    """Starting and closing."""

    def test_nothing_is_left(self) -> None:
        """After closing there is no thread, and nobody listens."""
        with Sandbox() as cloud, Http(cloud) as http:
            http.sessions()

            cloud.close()

            with pytest.raises(requests.ConnectionError):
                http.sessions()
        assert not [t for t in threading.enumerate() if t.name.startswith("callhistory-sandbox")]

    def test_idle_connection_does_not_delay_closing(self, cloud: Sandbox) -> None:
        """A client that connects and says nothing is hung up on."""
        port = int(cloud.u2c_url.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as idle:
            idle.sendall(b"GET ")
            began = time.monotonic()

            cloud.close()

            assert time.monotonic() - began < 2

    def test_start_and_close_are_harmless_twice(self, cloud: Sandbox) -> None:
        """A second start or close does nothing."""
        url = cloud.u2c_url

        assert cloud.start() is cloud
        assert cloud.u2c_url == url
        cloud.close()
        cloud.close()

    def test_many_run_at_once(self) -> None:
        """Each has its own port and tokens, and refuses those of the others."""
        with Sandbox() as one, Sandbox() as two:
            assert one.u2c_url != two.u2c_url
            headers = {"Authorization": f"Bearer {one.access_token}"}
            url = f"{two.u2c_url}/catalog?format=hostmap"
            assert requests.get(url, headers=headers, timeout=5).status_code == 401

    def test_comes_back_with_everything(self, cloud: Sandbox, http: Http) -> None:
        """Started again, it has the same addresses, tokens and sessions."""
        url, before = cloud.u2c_url, http.sessions()

        cloud.close()
        cloud.start()

        assert cloud.u2c_url == url
        assert http.sessions() == before

    def test_port_can_be_chosen(self, cloud: Sandbox) -> None:
        """A port that is taken is an OSError, one that is free is used."""
        port = int(cloud.u2c_url.split(":")[2].split("/")[0])

        with pytest.raises(OSError, match=r"in use|10048"):
            Sandbox(port=port).start()
        cloud.close()
        with Sandbox(port=port) as other:
            assert other.u2c_url == cloud.u2c_url

    def test_must_be_started(self) -> None:
        """Before the start there are no people and no addresses."""
        with pytest.raises(RuntimeError, match="not been started"):
            _ = Sandbox().access_token

    @pytest.mark.parametrize(
        ("argument", "value"),
        [("backend", "OTHER"), ("sessions", -1), ("days", 0), ("device_limit", 0)],
    )
    def test_wrong_argument_is_named(self, argument: str, value: object) -> None:
        """An argument out of its range is refused by its name."""
        with pytest.raises(ValueError, match=argument):
            Sandbox(**{argument: value})  # type: ignore[arg-type]

    def test_repr_keeps_the_secrets(self, cloud: Sandbox, http: Http) -> None:
        """No repr shows a token, a header or a body."""
        http("POST", http.devices, json={"name": "secret"})
        other = cloud.add_user("Wilma Berg")

        shown = repr((cloud, Sandbox(), cloud.requests, other, cloud.devices))

        assert cloud.u2c_url in shown
        assert "not running" in shown
        for secret in (cloud.access_token, cloud.refresh_token, other.access_token, "secret"):
            assert secret not in shown


class TestTokens:
    """Issuing and expiring."""

    def test_token_names_the_organization(self, cloud: Sandbox) -> None:
        """The organization is the third part of the token."""
        assert len(cloud.access_token.split("_")) == 3

    def test_expired_token_is_refused(self, cloud: Sandbox, http: Http) -> None:
        """From the expiry on the answer is 401, until another token is issued."""
        before = cloud.access_token
        cloud.expire_token()

        assert http("GET", CATALOG).status_code == 401
        assert cloud.access_token == before

        fresh = cloud.issue_token()
        assert cloud.access_token == fresh != before
        assert http("GET", CATALOG).status_code == 401
        with Http(cloud) as renewed:
            assert renewed("GET", CATALOG).status_code == 200

    def test_issued_token_ends_no_other(self, cloud: Sandbox, http: Http) -> None:
        """A new token leaves those before it valid."""
        cloud.issue_token()

        assert http("GET", CATALOG).status_code == 200

    def test_users_tokens_are_their_own(self, cloud: Sandbox, http: Http) -> None:
        """Expiring the token of one user leaves the others alone."""
        other = cloud.add_user("Wilma Berg")

        cloud.expire_token(user=other)

        assert http("GET", CATALOG).status_code == 200
        with Http(cloud, other) as theirs:
            assert theirs("GET", CATALOG).status_code == 401
        cloud.issue_token(user=other)
        with Http(cloud, other) as theirs:
            assert theirs("GET", CATALOG).status_code == 200


class TestWebex:
    """Making a client's side of it."""

    @pytest.fixture(autouse=True)
    def arguments_come_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = SimpleNamespace(Webex=lambda **options: options)
        monkeypatch.setitem(sys.modules, "callhistory._webex.account", module)

    def test_knows_where_and_who(self, cloud: Sandbox) -> None:
        """It gets the address of the catalog and the token of the account holder."""
        assert vars_of(cloud.webex()) == {
            "u2c_url": cloud.u2c_url,
            "access_token": cloud.access_token,
        }

    def test_can_be_anothers(self, cloud: Sandbox) -> None:
        """It gets the token of the user it is for."""
        other = cloud.add_user("Wilma Berg")

        assert vars_of(cloud.webex(user=other))["access_token"] == other.access_token

    def test_options_win(self, cloud: Sandbox) -> None:
        """What is given replaces the sandbox's own, a refresh token the access token."""
        options = vars_of(cloud.webex(u2c_url="http://other", refresh_token="r", timeout=1))

        assert options == {
            "u2c_url": "http://other",
            "token_url": cloud.token_url,
            "client_id": cloud.client_id,
            "client_secret": cloud.client_secret,
            "refresh_token": "r",
            "timeout": 1,
        }


def test_webex_can_be_made(cloud: Sandbox, http: Http) -> None:
    """What comes back is a `Webex` that has sent nothing yet."""
    cloud.webex().close()

    assert cloud.requests == ()


class TestPlaceCall:
    """Letting calls happen."""

    def test_lands_in_the_history(self, cloud: Sandbox, http: Http) -> None:
        """A placed call is the latest of the history, as it was returned."""
        placed = cloud.place_call(name="Ada Byron", phone_number="+12065550100")

        latest = http.sessions()[0]
        assert latest == to_wire(placed)
        assert placed.disposition == Disposition.MISSED
        assert placed.direction == Direction.INCOMING
        assert placed.other is not None
        assert placed.other.name == "Ada Byron"
        assert placed.other.phone_number == "+12065550100"

    def test_is_published(self, cloud: Sandbox, http: Http) -> None:
        """A placed call is told with its user and itself."""
        changes: list[Change] = []
        unsubscribe = cloud._organization.changes.subscribe(changes.append)

        placed = cloud.place_call()
        unsubscribe()
        cloud.place_call()

        assert changes == [
            Change(
                kind=ChangeKind.RECENT,
                user_id=cloud.user.id,
                session_ids=(placed.session_id,),
                sessions=(to_wire(placed),),
            )
        ]

    def test_nothing_need_be_said(self, cloud: Sandbox) -> None:
        """Without arguments one of the contacts is missed, now."""
        placed = cloud.place_call()

        assert placed.other is not None
        assert placed.other.name in {person.name for person in cloud.contacts}
        assert abs(placed.end_time - datetime.now(UTC)) < timedelta(seconds=30)
        assert placed.duration_seconds == 0

    @pytest.mark.parametrize(
        ("disposition", "direction"),
        [
            ("Answered", Direction.INCOMING),
            ("Initiated", Direction.OUTGOING),
            ("CANCELED", Direction.OUTGOING),
            (Disposition.MISSED, Direction.INCOMING),
        ],
    )
    def test_direction_suits_the_disposition(
        self, cloud: Sandbox, disposition: str, direction: Direction
    ) -> None:
        """A direction that is left open follows from the disposition."""
        assert cloud.place_call(disposition=disposition).direction == direction

    def test_direction_can_be_said(self, cloud: Sandbox) -> None:
        """A direction that is given is taken."""
        placed = cloud.place_call(disposition="Canceled", direction="INCOMING")

        assert placed.direction == Direction.INCOMING

    def test_times_complete_each_other(self, cloud: Sandbox) -> None:
        """Of start, end and duration, what is left open follows from the others."""
        start = datetime(2026, 11, 20, 10, 0, 0, 123456, UTC)
        end = start + timedelta(minutes=3, seconds=2)

        both = cloud.place_call(disposition="Answered", started_at=start, ended_at=end)
        first = cloud.place_call(disposition="Answered", started_at=start, duration_seconds=60)
        last = cloud.place_call(disposition="Answered", ended_at=end, duration_seconds=60)

        assert both.start_time == start.replace(microsecond=123000)
        assert both.duration_seconds == 182
        assert first.end_time - first.start_time > timedelta(seconds=60)
        assert first.start_time == both.start_time
        assert last.end_time == both.end_time
        assert last.end_time - last.start_time > timedelta(seconds=60)

    @pytest.mark.parametrize(
        "times",
        [
            {"started_at": datetime(2026, 11, 20)},
            {"ended_at": datetime(2026, 11, 20)},
            {
                "started_at": datetime(2026, 11, 21, tzinfo=UTC),
                "ended_at": datetime(2026, 11, 20, tzinfo=UTC),
            },
        ],
    )
    def test_wrong_times_are_refused(
        self, cloud: Sandbox, http: Http, times: dict[str, datetime]
    ) -> None:
        """A time without an offset, or an end before the start, places no call."""
        before = http.sessions()

        with pytest.raises(ValueError, match=r"offset|before"):
            cloud.place_call(**times)  # type: ignore[arg-type]

        assert http.sessions() == before

    @pytest.mark.parametrize(
        ("said", "kind"),
        [
            ({"ended_at": "2026-11-20T12:00:00Z"}, TypeError),
            ({"ended_at": datetime.min.replace(tzinfo=UTC)}, ValueError),
            ({"duration_seconds": 10**12}, ValueError),
            ({"foo": {1, 2}}, ValueError),
            ({"foo": float("nan")}, ValueError),
        ],
        ids=repr,
    )
    def test_what_makes_no_call_is_refused(
        self, cloud: Sandbox, http: Http, said: dict[str, Any], kind: type[Exception]
    ) -> None:
        """What is no time, no JSON, or out of all bounds places no call, and breaks no fetch."""
        before = http.sessions()

        with pytest.raises(kind):
            cloud.place_call(**said)

        assert http.sessions() == before

    def test_private_caller_has_no_name(self, cloud: Sandbox) -> None:
        """A private caller hides name and number."""
        other = cloud.place_call(name="Ada", private=True).other

        assert other is not None
        assert other.is_private is True
        assert other.name is None
        assert other.phone_number is None

    def test_session_type_can_be_said(self, cloud: Sandbox) -> None:
        """A SPARK call is with a colleague and has a conversation."""
        placed = cloud.place_call(session_type="SPARK")

        assert placed.session_type == SessionType.SPARK
        assert placed.links is not None
        assert placed.links.conversation_url
        assert placed.other is not None
        assert placed.other.email

    def test_wire_fields_are_laid_over(self, cloud: Sandbox, http: Http) -> None:
        """Wire fields replace what is there, and objects are merged."""
        cloud.place_call(
            name="Ada",
            isRead=True,
            other={"email": "ada@example.com"},
            self={"cucmDN": "5501"},
            links=None,
            unheard={"of": 1},
        )

        latest = http.sessions()[0]
        assert latest["isRead"] is True
        assert latest["other"]["email"] == "ada@example.com"
        assert latest["other"]["name"] == "Ada"
        assert latest["self"]["cucmDN"] == "5501"
        assert latest["self"]["id"] == cloud.user.id
        assert latest["links"] is None
        assert latest["unheard"] == {"of": 1}

    def test_contact_is_known_by_name(self, cloud: Sandbox) -> None:
        """A call by one of the contacts comes from their id and number."""
        contact = cloud.contacts[0]

        other = cloud.place_call(name=contact.name).other

        assert other is not None
        assert (other.id, other.phone_number) == (contact.id, contact.phone_number)

    def test_lands_with_the_user(self, cloud: Sandbox, http: Http) -> None:
        """A call for another user is in no other history."""
        other = cloud.add_user("Wilma Berg")
        before = http.sessions()

        cloud.place_call(user=other)

        assert http.sessions() == before
        with Http(cloud, other) as theirs:
            assert len(theirs.sessions()) == 1

    def test_any_thread_may_place_calls(self, cloud: Sandbox, http: Http) -> None:
        """Calls that are placed at the same time all land, while pages are read."""
        before = len(http.sessions())

        with ThreadPoolExecutor(8) as pool:
            placed = [pool.submit(cloud.place_call) for _ in range(40)]
            pages = [pool.submit(http.sessions) for _ in range(8)]
            assert all(len(page.result()) >= before for page in pages)
            assert len({call.result().session_id for call in placed}) == 40

        assert len(http.sessions()) == before + 40


class TestRequests:
    """What the sandbox was asked."""

    def test_everything_is_recorded(self, cloud: Sandbox, http: Http) -> None:
        """A request is recorded with its query, headers and body, also if it was refused."""
        http(
            "POST",
            f"{http.history}/setReadState?a=1&a=%C3%A9",
            json={"b": ["é"]},
            headers={"Probe": "x"},
        )

        (recorded,) = cloud.requests
        assert recorded.method == "POST"
        assert recorded.path == "/janus/api/v1/history/userSessions/setReadState"
        assert recorded.query_string == "a=1&a=%C3%A9"
        assert recorded.query == {"a": "é"}
        assert recorded.headers["probe"] == "x"
        assert recorded.headers["AUTHORIZATION"] == f"Bearer {cloud.access_token}"
        assert recorded.json == {"b": ["é"]}

    def test_can_be_looked_for(self, cloud: Sandbox, http: Http) -> None:
        """Requests are found by a part of their path and their method."""
        http("GET", http.devices)
        http("POST", http.devices, json={})
        http("GET", CATALOG)

        assert len(cloud.requests) == 3
        assert [r.method for r in cloud.requests_to("/devices")] == ["GET", "POST"]
        assert [r.method for r in cloud.requests_to("/devices", "POST")] == ["POST"]
        assert cloud.requests_to("/nowhere") == ()
        assert cloud.requests[0].received_at < cloud.requests[1].received_at

    def test_can_be_forgotten(self, cloud: Sandbox, http: Http) -> None:
        """The record can begin anew."""
        http("GET", CATALOG)

        cloud.forget_requests()

        assert cloud.requests == ()

    def test_can_be_waited_for(self, cloud: Sandbox, http: Http) -> None:
        """A wait ends when there are as many requests as wanted, or with a TimeoutError."""
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(cloud.wait_for_requests, "/catalog", count=2)
            http("GET", CATALOG)
            http("GET", CATALOG)
            assert len(waiting.result(5)) == 2

        with pytest.raises(TimeoutError, match="/catalog"):
            cloud.wait_for_requests("/catalog", "POST", timeout=0)
