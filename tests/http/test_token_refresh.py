"""Tokens that Webex refreshes: when, how often, what is kept, and what happens when it says no."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import responses

from callhistory import (
    AuthenticationError,
    CallHistoryClient,
    CallHistoryError,
    DecodeError,
    TokenGrant,
    TransportError,
    Webex,
    signals,
)
from callhistory._http import token_refresh
from callhistory.sandbox import Sandbox
from tests.support.error_contents import failure_of, shown_by
from tests.support.limits import BriskSandbox
from tests.support.listening_clients import ONLINE, hearing, offline
from tests.support.tokens import TokenFunction, refreshes, refreshing

HISTORY = "/history/userSessions"
TOKEN = "/access_token"
TWO_WEEKS = 14 * 24 * 3600  # the life of a sandbox's token, in seconds
UNAUTHORIZED = "User is unauthorised, possible token expiry"


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    """Return a running sandbox whose refresh tokens are good once."""
    with BriskSandbox(rotate_refresh_tokens=True) as running:
        yield running


# --- when ---


def test_refused_token_is_refreshed_and_the_call_replayed(cloud: Sandbox) -> None:
    """A token that expired costs one refresh and one replay, and the call succeeds."""
    grants: list[TokenGrant] = []
    with refreshing(cloud, on_refresh=grants.append) as client:
        assert client.get_call_history_data().ok
        cloud.expire_token()
        cloud.forget_requests()

        assert client.get_call_history_data().ok

        assert refreshes(cloud) == 1
        assert len(cloud.requests_to(HISTORY)) == 2
    (grant,) = grants
    assert (grant.access_token, grant.refresh_token) == (cloud.access_token, cloud.refresh_token)
    assert grant.expires_in == 14 * 24 * 3600


def test_without_an_access_token_one_is_asked_for_first(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """With a refresh token alone, a form of four fields goes first, without any authorization.

    Nor is what a .netrc has for the host sent along.
    """
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password sEcReT\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    before = cloud.refresh_token
    with refreshing(cloud, access_token=None) as client:
        assert not any(cloud.requests)
        assert client.get_call_history_data().ok

    assert refreshes(cloud) == 1
    request = cloud.requests[0]
    assert request.path.endswith(TOKEN)
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in request.headers
    assert request.body.decode() == (
        f"grant_type=refresh_token&client_id={cloud.client_id}"
        f"&client_secret={cloud.client_secret}&refresh_token={before}"
    )


def test_rotated_refresh_tokens_are_used_and_handed_over(cloud: Sandbox) -> None:
    """Over five expiries each refresh uses the refresh token that the one before brought."""
    grants: list[TokenGrant] = []
    given = [cloud.refresh_token]
    with refreshing(cloud, on_refresh=grants.append) as client:
        for _ in range(5):
            cloud.expire_token()
            assert client.get_call_history_data().ok
            given.append(cloud.refresh_token)

    sent = [
        request.body.decode().partition("&refresh_token=")[2]
        for request in cloud.requests_to(TOKEN)
    ]
    assert sent == given[:5]
    assert [grant.refresh_token for grant in grants] == given[1:]
    assert len(set(given)) == 6


def test_refresh_token_that_is_not_replaced_is_kept(cloud: Sandbox) -> None:
    """Where the answer has no refresh token, the one that there is stays."""
    grants: list[TokenGrant] = []
    with refreshing(cloud, on_refresh=grants.append) as client:
        cloud.fail_next(TOKEN, body={"access_token": cloud.issue_token()})
        cloud.fail_next(HISTORY, status=401)

        assert client.get_call_history_data().ok

    (grant,) = grants
    assert (grant.refresh_token, grant.expires_in) == (cloud.refresh_token, None)


# --- when it fails ---


def test_refresh_that_is_refused_leaves_the_401(cloud: Sandbox) -> None:
    """The envelope stays a 401 with its words; the error has Webex's own words for the refusal."""
    with refreshing(cloud, refresh_token="rEfReSh-of-nobody") as client:
        cloud.expire_token()

        history = client.get_call_history_data()

        assert (history.status_code, history.message) == (401, "FAILURE")
        assert history.data.error == UNAUTHORIZED
        assert history.reason == "400 refresh_token is wrong"
        with pytest.raises(AuthenticationError) as caught:
            history.raise_for_status()
        assert caught.value.reason == "400 refresh_token is wrong"
        assert "the token was not refreshed: 400 refresh_token is wrong" in str(caught.value)
        assert str(caught.value.tracking_id).startswith("callhistory_")
        assert refreshes(cloud) == 1
        assert len(cloud.requests) == 2, "the catalog's 401, and the refresh"


@pytest.mark.parametrize("call", ["get_call_history_data", "update_missed_calls"])
def test_refusal_without_any_access_token_is_a_401(cloud: Sandbox, call: str) -> None:
    """Also where there never was an access token, a refused refresh is the call's answer."""
    pairs = [{"endTime": "2026-01-31T09:30:00Z", "sessionId": "x"}]
    with refreshing(cloud, access_token=None, client_secret="nObOdYs") as client:
        arguments = [] if call == "get_call_history_data" else [pairs]
        answer = getattr(client, call)(*arguments)

        assert (answer.status_code, answer.data.error) == (401, UNAUTHORIZED)
        assert answer.reason == "401 client_id or client_secret is wrong"
        assert len(cloud.requests) == 1


def test_listen_says_why_the_token_was_not_refreshed(cloud: Sandbox) -> None:
    """listen() raises the refusal with Webex's own words."""
    with (
        refreshing(cloud, refresh_token="nObOdYs", access_token=None) as client,
        pytest.raises(AuthenticationError, match="400 refresh_token is wrong"),
    ):
        client.listen(10)


def test_endpoint_that_is_down_leaves_the_401(cloud: Sandbox) -> None:
    """When nobody answers at the token address, the 401 is the answer, and it says why."""
    with refreshing(cloud, token_url="http://127.0.0.1:9/token", max_retries=1) as client:
        assert client.get_call_history_data().ok
        cloud.expire_token()

        history = client.get_call_history_data()

        assert history.status_code == 401
        assert history.reason is not None
        assert history.reason.startswith(
            "POST 127.0.0.1:9: no answer after 2 attempts: Connection refused"
        )


def test_endpoint_that_is_down_is_an_exception_where_there_is_no_token(cloud: Sandbox) -> None:
    """Without an access token nothing was asked of Webex, so there is no answer to return."""
    options: dict[str, Any] = {"token_url": "http://127.0.0.1:9/token", "max_retries": 0}
    with refreshing(cloud, access_token=None, **options) as client:
        error = failure_of(client.get_call_history_data)

    assert isinstance(error, TransportError)
    assert (error.method, error.host) == ("POST", "127.0.0.1:9")


@pytest.mark.parametrize(("status", "requests"), [(500, 1), (503, 3), (429, 3)])
def test_endpoint_in_trouble_is_asked_again(cloud: Sandbox, status: int, requests: int) -> None:
    """A refresh is retried like any request; what is left of the trouble is the call's answer."""
    with refreshing(cloud, access_token=None, max_retries=2) as client:
        cloud.fail_next(TOKEN, status=status, times=3)

        history = client.get_call_history_data()

        assert history.status_code == status
        assert history.reason == f"{status} Scripted: {status}"
        assert refreshes(cloud) == requests


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        [],
        {},
        {"access_token": 5},
        {"access_token": ""},
        {"access_token": "two words"},
        {"access_token": "a", "refresh_token": 5},
        {"access_token": "a", "refresh_token": "two words"},
    ],
    ids=repr,
)
def test_answer_that_is_no_grant(cloud: Sandbox, body: object) -> None:
    """What is no grant is a DecodeError without the value; with a token to try the 401 stays."""
    cloud.fail_next(TOKEN, body=body, times=2)
    with refreshing(cloud, access_token=None) as client:
        error = failure_of(client.get_call_history_data)
        assert isinstance(error, DecodeError)
        assert "words" not in shown_by(error)
    with refreshing(cloud, access_token="expired") as client:
        history = client.get_call_history_data()
        assert history.status_code == 401
        assert history.reason == str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"error": "invalid_grant", "error_description": "The token is expired"},
            "invalid_grant: The token is expired",
        ),
        ({"message": "The refresh token\n is   expired"}, "The refresh token is expired"),
        ({"message": 5, "errors": [{"description": "no such client"}]}, "no such client"),
        ({"message": "m", "errors": ["x"]}, "m"),
        ({"message": "token rEfReSh-1 of ada@example.com, +1 206 555 0142"}, "token … of … …"),
        (["x"], ""),
        ("<html>", ""),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_webexs_own_words_are_told_without_what_is_private(
    cloud: Sandbox, body: object, words: str
) -> None:
    """The words of a refusal are in the error, but for tokens, addresses and numbers."""
    cloud.fail_next(TOKEN, status=400, body=body)
    with refreshing(cloud, access_token=None, refresh_token="rEfReSh-1") as client:
        history = client.get_call_history_data()

    assert history.reason == f"400 {words}".strip()


def test_redirected_refresh_is_not_followed(cloud: Sandbox) -> None:
    """The secrets of a refresh go to the address that was given, and to no other."""
    with Sandbox() as other, refreshing(cloud, access_token=None) as client:
        cloud.fail_next(TOKEN, status=307, headers={"Location": other.token_url})

        history = client.get_call_history_data()

        assert history.status_code == 401
        assert str(history.reason).startswith("307")
        assert other.requests == ()


@pytest.mark.parametrize("expires_in", [None, "3600", True, 0, -5, [], 1e12], ids=repr)
def test_odd_lifetime_counts_as_none(cloud: Sandbox, expires_in: object) -> None:
    """A lifetime that is no number of seconds is not coerced: it is not known."""
    grants: list[TokenGrant] = []
    cloud.fail_next(TOKEN, body={"access_token": cloud.issue_token(), "expires_in": expires_in})
    with refreshing(cloud, access_token=None, on_refresh=grants.append) as client:
        assert client.get_call_history_data().ok

    assert [grant.expires_in for grant in grants] == [None]


@pytest.mark.parametrize(
    "options",
    [{}, {"token_url": "http://127.0.0.1:9/"}, {"refresh_token": "sEcReT-2"}],
    ids=["granted", "no answer", "refused"],
)
def test_nothing_of_a_refresh_is_private(
    cloud: Sandbox, caplog: pytest.LogCaptureFixture, options: dict[str, Any]
) -> None:
    """No secret of a refresh is in a log, a repr, or the frames of an error that it ends in."""
    caplog.set_level(logging.DEBUG)
    before = [cloud.refresh_token, cloud.client_secret, cloud.client_id, cloud.access_token]
    with refreshing(cloud, access_token=None, max_retries=0, **options) as client:
        webex = client._webex
        shown = [repr(client), repr(webex), repr(webex._account), repr(webex._account._tokens)]
        try:
            client.get_call_history_data().raise_for_status()
        except CallHistoryError as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            shown.append(shown_by(error))

    assert len(shown) == (5 if options else 4)
    secrets = [*before, "sEcReT-2", cloud.refresh_token, cloud.access_token]
    told = caplog.text + "".join(shown)
    assert [secret for secret in secrets if secret in told] == []


def test_default_address_is_webexs(strict: responses.RequestsMock) -> None:
    """Tokens are refreshed where the documentation says."""
    strict.post("https://webexapis.com/v1/access_token", status=400)

    with CallHistoryClient(Webex(client_id="c", client_secret="s", refresh_token="r")) as client:
        assert client.get_call_history_data().status_code == 401


# --- while listening ---


def test_token_that_expires_while_listening_goes_unnoticed(cloud: Sandbox) -> None:
    """A connection that ends with 4401 is made again with a refreshed token, thrice in a row."""
    grants: list[TokenGrant] = []
    client = refreshing(cloud, on_refresh=grants.append)
    with hearing(client) as heard, client:
        client.listen()
        for count in (2, 3, 4):
            cloud.expire_token()
            cloud.close_connections(4401, "token expired")
            heard.wait_for(signals.Online, count)
        call = cloud.place_call()
        assert heard.wait_for_sessions(1)[-1] == call.session_id
    assert len(grants) == 3
    assert refreshes(cloud) == 3


def test_listener_waits_for_an_endpoint_that_is_down(cloud: Sandbox) -> None:
    """A refresh that nobody answers is tried again, and the listener comes back with its token."""
    client = refreshing(cloud, max_retries=0)
    with hearing(client) as heard, client:
        client.listen()
        cloud.fail_next(TOKEN, status=503, times=3)
        cloud.expire_token()
        cloud.close_connections(4401, "token expired")

        heard.wait_for(signals.Online, 2)
        assert heard.states == [ONLINE, offline(4401, "token expired"), ONLINE]
        assert refreshes(cloud) == 4


def test_listener_gives_up_when_the_refresh_is_refused(cloud: Sandbox) -> None:
    """A refresh that Webex refuses is for good: wait() raises it with Webex's words."""
    client = refreshing(cloud, refresh_token="nObOdYs")
    with client:
        client.listen()
        cloud.expire_token()
        cloud.close_connections(4401, "token expired")

        with pytest.raises(AuthenticationError, match="400 refresh_token is wrong"):
            client.wait(10)
        assert not client.listening


def test_close_ends_a_refresh_that_is_under_way(cloud: Sandbox) -> None:
    """close() does not wait for a token address that is silent."""
    client = refreshing(cloud, access_token=None)
    cloud.fail_next(TOKEN, delay=30)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.get_call_history_data)
        cloud.wait_for_requests(TOKEN)
        client.close()
        assert isinstance(call.exception(5), TransportError)


def test_device_is_deleted_also_when_the_token_has_expired(cloud: Sandbox) -> None:
    """close() refreshes a token that expired, so that it leaves no device behind."""
    with refreshing(cloud) as client:
        assert client.get_call_history_data().ok
        cloud.expire_token()

    assert cloud.devices == ()


# --- a refresh ahead of the expiry ---


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return the ``now`` that tokens expire by; ``time.monotonic()`` stands still."""
    made = SimpleNamespace(now=0.0)
    monkeypatch.setattr(token_refresh, "steady", lambda: made.now)
    return made


@pytest.mark.parametrize(("lifetime", "margin"), [(1000, 100), (TWO_WEEKS, 300)])
def test_token_is_refreshed_ahead_of_its_expiry(
    cloud: Sandbox, clock: SimpleNamespace, lifetime: int, margin: int
) -> None:
    """In the last tenth of its life, or five minutes, a token is refreshed, not refused.

    It is so also if the machine has slept until then.
    """
    with refreshing(cloud, access_token=None) as client:
        cloud.fail_next(TOKEN, body={"access_token": cloud.access_token, "expires_in": lifetime})
        assert client.get_call_history_data().ok
        clock.now = lifetime - margin - 1
        assert client.get_call_history_data().ok
        assert refreshes(cloud) == 1
        clock.now += 2
        assert client.get_call_history_data().ok
        assert refreshes(cloud) == 2
        assert len(cloud.requests_to(HISTORY)) == 3, "none was refused"


def test_early_refresh_that_fails_costs_no_call(
    cloud: Sandbox, clock: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    """While the token is still valid, a refresh that fails is logged, and tried again later."""
    with refreshing(cloud, access_token=None) as client:
        assert client.get_call_history_data().ok
        clock.now = TWO_WEEKS - 100
        cloud.fail_next(TOKEN, status=400, times=2)
        assert client.get_call_history_data().ok
        for count in (2, 3, 4):
            assert client.get_call_history_data().ok
            assert refreshes(cloud) == count, "not with every call"
            clock.now += 31
            assert client.get_call_history_data().ok
    assert caplog.text.count("was not refreshed ahead of its expiry") == 2


# --- several threads ---


def test_threads_with_one_expired_token_refresh_it_once(cloud: Sandbox) -> None:
    """Sixteen threads that meet the same 401 cause one refresh and one replay each."""
    with refreshing(cloud) as client:
        assert client.get_call_history_data().ok
        cloud.forget_requests()
        cloud.fail_next(HISTORY, status=401, times=16, delay=0.5)
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: client.get_call_history_data(), range(16)))

    assert all(answers)
    assert refreshes(cloud) == 1
    assert len(cloud.requests_to(HISTORY)) == 32


def test_threads_share_a_refusal(cloud: Sandbox) -> None:
    """Eight threads that wait for the same refresh are all told when it is refused, once."""
    with refreshing(cloud, access_token=None) as client:
        cloud.fail_next(TOKEN, status=400, times=100, delay=1)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.get_call_history_data(), range(8)))

    assert [answer.status_code for answer in answers] == [401] * 8
    assert refreshes(cloud) == 1


def test_threads_use_a_valid_token_while_another_is_fetched(
    cloud: Sandbox, clock: SimpleNamespace
) -> None:
    """A token that is about to expire is used by others while one thread refreshes it."""
    entered, leave = threading.Event(), threading.Event()

    def store(_grant: TokenGrant) -> None:
        if clock.now:
            entered.set()
            assert leave.wait(20)

    with refreshing(cloud, access_token=None, on_refresh=store) as client:
        assert client.get_call_history_data().ok
        clock.now = TWO_WEEKS - 100.0
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(client.get_call_history_data)
            assert entered.wait(10)
            assert client.get_call_history_data().ok
            assert not slow.done()
            leave.set()
            assert slow.result(10).ok


# --- on_refresh ---


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("no"), LookupError()])
def test_on_refresh_that_fails_loses_no_token(
    cloud: Sandbox, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """When on_refresh fails, the call succeeds, the new tokens are kept, and its type is logged."""
    on_refresh = TokenFunction(error)
    with refreshing(cloud, on_refresh=lambda _grant: on_refresh()) as client:
        for _ in range(2):
            cloud.expire_token()
            assert client.get_call_history_data().ok

    assert on_refresh.asked == 2
    assert caplog.text.count(f"on_refresh failed with {type(error).__name__}") == 2
    assert not any(text and text in caplog.text for text in map(str, error.args))


@pytest.mark.parametrize("is_first", [True, False])
def test_on_refresh_that_uses_the_client_is_refused(cloud: Sandbox, is_first: bool) -> None:
    """A call from within on_refresh is a RuntimeError, where it would wait for itself."""
    errors: list[BaseException] = []

    def use(_grant: TokenGrant) -> None:
        errors.append(failure_of(client.get_call_history_data))

    with refreshing(cloud, on_refresh=use) as client:
        if not is_first:
            client.get_call_history_data()
        cloud.expire_token()
        assert client.get_call_history_data().ok

    (error,) = errors
    assert isinstance(error, RuntimeError)
    assert "must not use the client that is waiting for it" in str(error)
    assert refreshes(cloud) == 1
