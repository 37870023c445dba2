"""Where tokens come from: one that is given, a function that is asked, a refresh at Webex."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from callhistory import AuthenticationError, CallHistoryClient, Webex
from callhistory.sandbox import Sandbox
from tests.support.error_contents import failure_of
from tests.support.tokens import (
    TokenFunction,
    refreshes,
    tokens_seen,
)

TOKEN = "/access_token"
HISTORY = "/history/userSessions"
UNAUTHORIZED = "User is unauthorised, possible token expiry"


@contextmanager
def asking(cloud: Sandbox, *tokens: object) -> Iterator[tuple[CallHistoryClient, TokenFunction]]:
    """Return a client that asks a function for its token, and that function."""
    function = TokenFunction(*tokens)
    with CallHistoryClient(cloud.webex(access_token=function)) as client:
        yield client, function


# --- where a token comes from ---


@pytest.mark.parametrize("value", [None, "", " \n"])
def test_no_token_at_all_is_an_authentication_error(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """With no token to try there is no client, and the error says what to do."""
    if value is not None:
        monkeypatch.setenv("WEBEX_ACCESS_TOKEN", value)

    with pytest.raises(AuthenticationError, match="WEBEX_ACCESS_TOKEN") as caught:
        CallHistoryClient()

    assert caught.value.status_code == 401
    assert caught.value.tracking_id is None


# --- a function that returns the token ---


def test_function_is_asked_at_first_need_and_once(cloud: Sandbox) -> None:
    """Making a client asks for no token; all its requests together ask once."""
    with asking(cloud, cloud.access_token) as (client, function):
        assert function.asked == 0
        client.get_call_history_data()
        client.get_call_history_data()

    assert function.asked == 1


@pytest.mark.parametrize(
    ("returned", "kind", "text"),
    [
        *((nothing, AuthenticationError, "401: .* returned none") for nothing in (None, "", " \n")),
        (12345678, TypeError, "access_token: expected a string, not int$"),
    ],
)
def test_function_that_returns_no_token(
    cloud: Sandbox, returned: object, kind: type[Exception], text: str
) -> None:
    """No token leaves nothing to try, and a number is a mistake: an error, and no request."""
    with asking(cloud, returned) as (client, _), pytest.raises(kind, match=text):
        client.get_call_history_data()

    assert cloud.requests == ()


@pytest.mark.parametrize("refused", [True, False])
def test_error_of_the_function_is_the_callers(cloud: Sandbox, refused: bool) -> None:
    """What the function raises comes out as it is, also after a 401; the next call asks again."""
    tokens: list[object] = [LookupError("the vault is shut"), cloud.access_token]
    if refused:
        tokens.insert(0, cloud.access_token)
        cloud.fail_next(HISTORY, status=401)

    with asking(cloud, *tokens) as (client, _):
        with pytest.raises(LookupError, match="the vault is shut"):
            client.get_call_history_data()
        assert client.get_call_history_data().ok


# --- a token that Webex refuses ---


def test_refused_token_is_asked_for_anew_and_the_request_replayed(cloud: Sandbox) -> None:
    """At a 401 the function is asked again, and the request sent again with what it returns."""
    old = cloud.access_token
    with asking(cloud, old) as (client, function):
        client.get_call_history_data()
        cloud.expire_token()
        new = function.tokens[0] = cloud.issue_token()
        cloud.forget_requests()

        assert client.get_call_history_data().ok
        assert tokens_seen(cloud) == [old, new]
        assert client.get_call_history_data().ok
        assert tokens_seen(cloud) == [old, new, new]

    assert function.asked == 2


def test_refused_write_is_replayed_with_its_body(cloud: Sandbox) -> None:
    """A write that met a 401 is sent again as it was, and takes effect."""
    with asking(cloud, cloud.access_token) as (client, function):
        sessions = client.get_call_history_data()[:2]
        cloud.expire_token()
        function.tokens[0] = cloud.issue_token()

        assert client.delete_call_history_records(sessions).ok

        first, second = cloud.requests_to("/markAsDeleted")
        assert first.body == second.body
        left = {session.session_id for session in client.get_call_history_data()}
        assert left.isdisjoint(session.session_id for session in sessions)


@pytest.mark.parametrize("service", ["/catalog", "/devices", HISTORY])
def test_token_is_renewed_wherever_it_is_refused(cloud: Sandbox, service: str) -> None:
    """Catalog and device registration renew a refused token as the history does."""
    cloud.fail_next(service, status=401)
    with asking(cloud, cloud.access_token, cloud.issue_token()) as (client, function):
        assert client.get_call_history_data().ok
        assert function.asked == 2
        assert len(cloud.requests_to(service, "POST" if service == "/devices" else "GET")) == 2


def test_second_refusal_is_the_answer(cloud: Sandbox) -> None:
    """A request is replayed once: if the new token is refused as well, that is the answer."""
    cloud.fail_next(HISTORY, status=401, times=2)
    tokens = cloud.access_token, cloud.issue_token(), cloud.issue_token()
    with asking(cloud, *tokens) as (client, function):
        history = client.get_call_history_data()

        assert (history.status_code, history.data.error) == (401, UNAUTHORIZED)
        assert function.asked == 2
        assert len(cloud.requests_to(HISTORY)) == 2
        with pytest.raises(AuthenticationError, match=UNAUTHORIZED):
            history.raise_for_status()


def test_given_token_that_is_refused_is_the_answer(cloud: Sandbox) -> None:
    """There is nothing to renew a given token with: its 401 is returned, after one request."""
    cloud.expire_token()
    client = CallHistoryClient(cloud.webex())

    history = client.get_call_history_data()

    assert (history.status_code, history.data.error) == (401, UNAUTHORIZED)
    assert len(cloud.requests) == 1


@pytest.mark.parametrize("again", [None, "", "\n", "the same"])
def test_refusal_is_the_answer_when_there_is_no_other_token(
    cloud: Sandbox, again: str | None
) -> None:
    """If the function has no other token for a refused one, the 401 is the answer."""
    cloud.fail_next(HISTORY, status=401)
    token = cloud.access_token
    with asking(cloud, token, token if again == "the same" else again) as (client, function):
        assert client.get_call_history_data().status_code == 401
        assert function.asked == 2
        assert len(cloud.requests_to(HISTORY)) == 1
        assert client.get_call_history_data().ok, "the token that it has is still tried"


def test_environment_is_read_again_at_a_refusal(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that puts a new token into its environment needs no new client."""
    monkeypatch.setenv("WEBEX_ACCESS_TOKEN", cloud.access_token)
    with CallHistoryClient(Webex(u2c_url=cloud.u2c_url)) as client:
        client.get_call_history_data()
        cloud.expire_token()

        assert client.get_call_history_data().status_code == 401
        monkeypatch.delenv("WEBEX_ACCESS_TOKEN")
        assert client.get_call_history_data().status_code == 401
        monkeypatch.setenv("WEBEX_ACCESS_TOKEN", cloud.issue_token())
        assert client.get_call_history_data().ok


def test_threads_with_the_same_refusal_ask_once(cloud: Sandbox) -> None:
    """Eight threads that meet the same 401 ask for one new token, and all go on with it."""
    old, new = cloud.access_token, cloud.issue_token()
    with asking(cloud, old, new) as (client, function):
        client.get_call_history_data()
        cloud.forget_requests()
        # All eight are under way before the first of them is answered.
        cloud.fail_next(HISTORY, status=401, times=8, delay=1)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.get_call_history_data(), range(8)))

    assert [answer.status_code for answer in answers] == [200] * 8
    assert function.asked == 2
    assert tokens_seen(cloud) == [old] * 8 + [new] * 8


# --- a function that makes calls ---


@pytest.mark.parametrize("is_first", [True, False])
def test_function_for_the_token_that_uses_the_client_is_refused(
    cloud: Sandbox, is_first: bool
) -> None:
    """A function that returns the token can't make calls with the token that it is to return."""
    tokens = [] if is_first else [cloud.access_token]

    def function() -> str:
        return tokens.pop() if tokens else str(client.get_call_history_data())

    with CallHistoryClient(cloud.webex(access_token=function)) as client:
        if not is_first:
            client.get_call_history_data()
            cloud.fail_next(HISTORY, status=401)
        error = failure_of(client.get_call_history_data)

    assert isinstance(error, RuntimeError)
    assert "must not use the client that is waiting for it" in str(error)


# --- what is passed, and what the environment has ---


@pytest.fixture
def environment(cloud: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put all that it takes to refresh a token into the environment."""
    monkeypatch.setenv("WEBEX_CLIENT_ID", cloud.client_id)
    monkeypatch.setenv("WEBEX_CLIENT_SECRET", cloud.client_secret)
    monkeypatch.setenv("WEBEX_REFRESH_TOKEN", f" {cloud.refresh_token}\n")


def client_of(cloud: Sandbox, **options: Any) -> CallHistoryClient:
    """Return a client with the tokens that are passed, or else of the environment."""
    webex = Webex(u2c_url=cloud.u2c_url, token_url=cloud.token_url, **options)
    return CallHistoryClient(webex)


@pytest.mark.usefixtures("environment")
def test_environment_has_all_it_takes(cloud: Sandbox) -> None:
    """With the three variables and nothing passed, a token is asked for at first need."""
    with client_of(cloud) as client:
        assert client.get_call_history_data().ok
        assert refreshes(cloud) == 1


@pytest.mark.usefixtures("environment")
def test_environments_access_token_is_used_first(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An access token beside the three variables is used until it is refused."""
    monkeypatch.setenv("WEBEX_ACCESS_TOKEN", cloud.access_token)
    with client_of(cloud) as client:
        assert client.get_call_history_data().ok
        assert refreshes(cloud) == 0
        cloud.expire_token()
        assert client.get_call_history_data().ok
        assert refreshes(cloud) == 1


@pytest.mark.usefixtures("environment")
def test_what_is_passed_is_completed_from_the_environment(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that stores the refresh token may leave the integration in the environment."""
    monkeypatch.delenv("WEBEX_REFRESH_TOKEN")
    # Perhaps another user's: it is not used.
    monkeypatch.setenv("WEBEX_ACCESS_TOKEN", "of-another-user")
    with client_of(cloud, refresh_token=cloud.refresh_token) as client:
        assert client.get_call_history_data().ok
    assert [request.path.endswith(TOKEN) for request in cloud.requests][:2] == [True, False]


@pytest.mark.usefixtures("environment")
def test_passed_access_token_is_not_refreshed_with_the_environments(cloud: Sandbox) -> None:
    """A token that is passed alone stays the only one: the environment's may be another user's."""
    with client_of(cloud, access_token=cloud.access_token) as client:
        cloud.expire_token()
        assert client.get_call_history_data().status_code == 401
        assert refreshes(cloud) == 0


THREE = ["client_id", "client_secret", "refresh_token"]


@pytest.mark.parametrize("missing", THREE)
def test_missing_part_is_named(missing: str) -> None:
    """Of the three that it takes, the one that is missing is named with its variable."""
    given: dict[str, Any] = dict.fromkeys(THREE, "sEcReT")
    del given[missing]

    error = failure_of(lambda: Webex(**given))

    assert isinstance(error, ValueError)
    assert str(error).startswith(f"{missing}: is missing; a token is refreshed with all of")
    assert f"WEBEX_{missing.upper()}" in str(error)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"client_id": 5}, TypeError, "client_id: expected a string, not int"),
        ({"client_secret": ""}, ValueError, "client_secret: is empty"),
        ({"refresh_token": "a b"}, ValueError, "refresh_token: holds white space"),
        ({"access_token": "a b"}, ValueError, "access_token: holds white space"),
        ({"access_token": lambda: "x"}, TypeError, "a function renews its token itself"),
        ({"on_refresh": "x"}, TypeError, "on_refresh: expected a function, not str"),
        ({"token_url": 5}, TypeError, "token_url: expected a string, not int"),
        ({"token_url": "http://webexapis.com/v1"}, ValueError, "token_url: is not protected"),
        ({"token_url": "webexapis.com"}, ValueError, "token_url: is not the address"),
        ({"fedramp": True}, ValueError, "token_url: is needed for the government cloud"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_makes_no_sense_is_refused(
    options: dict[str, Any], kind: type[Exception], text: str
) -> None:
    """Bad credentials are refused at once, by their name and without their value."""
    with pytest.raises(kind, match=text):
        Webex(**(dict.fromkeys(THREE, "x") | options))


@pytest.mark.parametrize("options", [{"access_token": "t"}, {"access_token": lambda: "t"}, {}])
def test_on_refresh_that_would_never_be_called_is_refused(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a refresh token, on_refresh is a mistake: tokens would be lost in silence."""
    monkeypatch.setenv("WEBEX_ACCESS_TOKEN", "t")

    with pytest.raises(ValueError, match="on_refresh: would never be called"):
        Webex(**options, on_refresh=print)
