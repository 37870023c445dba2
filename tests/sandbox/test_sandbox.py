"""Starting, closing, tokens and clients of a sandbox."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import requests

from callhistory import CallHistoryClient
from callhistory.sandbox import Sandbox
from tests.sandbox.http_client import Http


class TestLife:
    """Starting and closing."""

    def test_nothing_is_left(self) -> None:
        """After closing there is no thread, and connections are refused."""
        with Sandbox() as cloud, Http(cloud) as http:
            http.sessions()

            cloud.close()

            with pytest.raises(requests.ConnectionError):
                http.sessions()
        assert not [t for t in threading.enumerate() if t.name.startswith("callhistory-sandbox")]

    def test_idle_connection_does_not_delay_closing(self, cloud: Sandbox) -> None:
        """A client that connects and sends no request does not delay closing."""
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

    @pytest.mark.parametrize("argument", ["port", "mercury_port"])
    def test_port_can_be_chosen(self, cloud: Sandbox, argument: str) -> None:
        """A port in use raises an OSError and leaves nothing open; a free one is used."""
        addresses = cloud._organization.addresses
        ports = {argument: getattr(addresses, argument)}

        with pytest.raises(OSError, match=r"in use|10048"):
            Sandbox(**ports).start()
        cloud.close()
        with Sandbox(**ports) as other:
            assert getattr(other._organization.addresses, argument) == ports[argument]

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
            Sandbox(**{argument: value})  # type: ignore[arg-type] # that is the point

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
        """After the expiry the answer is 401 until another token is issued."""
        before = cloud.access_token
        cloud.expire_token()

        assert http.status() == 401
        assert cloud.access_token == before

        fresh = cloud.issue_token()
        assert cloud.access_token == fresh != before
        assert http.status() == 401
        with Http(cloud) as renewed:
            assert renewed.status() == 200

    def test_issued_token_ends_no_other(self, cloud: Sandbox, http: Http) -> None:
        """A new token leaves earlier ones valid."""
        cloud.issue_token()

        assert http.status() == 200

    def test_users_tokens_are_their_own(self, cloud: Sandbox, http: Http) -> None:
        """Expiring the token of one user leaves the others alone."""
        other = cloud.add_user("Wilma Berg")

        cloud.expire_token(user=other)

        assert http.status() == 200
        with Http(cloud, other) as theirs:
            assert theirs.status() == 401
        cloud.issue_token(user=other)
        with Http(cloud, other) as theirs:
            assert theirs.status() == 200


class TestWebex:
    """Clients of the sandbox."""

    def test_sends_nothing_at_first(self, cloud: Sandbox) -> None:
        """A `Webex` of the sandbox is made without a request."""
        cloud.webex().close()

        assert cloud.requests == ()

    def test_acts_for_a_user(self, cloud: Sandbox) -> None:
        """It uses the token of the account holder, or of the user that it is made for."""
        other = cloud.add_user("Wilma Berg", sessions=2)

        for user, token in ((None, cloud.access_token), (other, other.access_token)):
            with cloud.webex(user=user) as webex, CallHistoryClient(webex) as client:
                client.get_call_history_data().raise_for_status()
            request = cloud.requests_to("/userSessions")[-1]
            assert request.headers["Authorization"] == f"Bearer {token}"

    def test_options_replace_its_own(self, cloud: Sandbox) -> None:
        """A refresh token replaces the access token, and any option that is given is used."""
        with Sandbox(sessions=0) as other:
            with cloud.webex(
                refresh_token=other.refresh_token,
                u2c_url=other.u2c_url,
                token_url=other.token_url,
                client_id=other.client_id,
                client_secret=other.client_secret,
            ) as webex:
                assert len(CallHistoryClient(webex).get_call_history_data()) == 0
            with cloud.webex(refresh_token=cloud.refresh_token) as webex:
                assert CallHistoryClient(webex).get_call_history_data()

        assert len(cloud.requests_to("/access_token")) == 1
