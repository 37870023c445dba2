"""Tokens: where they come from, and what happens when Webex refuses one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from callhistory._http.tokens import Token

from callhistory import AuthenticationError, CallHistoryClient, Webex
from callhistory._http.token_source import AskedToken, StaticToken
from callhistory.sandbox import Sandbox
from tests.support.error_contents import failure_of, shown_by

HISTORY = "/history/userSessions"
UNAUTHORIZED = "User is unauthorised, possible token expiry"


class Source:
    """Gives one token after the other, the last one for ever, and counts how often it is asked."""

    def __init__(self, *tokens: object) -> None:
        self.tokens = list(tokens)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        if isinstance(token, Exception):
            raise token
        return token  # type: ignore[return-value] # some of them are none


def _no_form(form: object) -> Any:
    raise AssertionError(f"nothing is to be sent: {form}")


def tokens_seen(cloud: Sandbox) -> list[str]:
    return [
        request.headers["Authorization"].removeprefix("Bearer ")
        for request in cloud.requests_to(HISTORY)
    ]


# --- where a token comes from ---


@pytest.mark.parametrize("padding", ["", " ", "\n", "\t \r\n"])
def test_token_of_the_environment_is_used(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, padding: str
) -> None:
    """Without an argument the token is the environment's, without white space at its ends."""
    monkeypatch.setenv("WEBEX_ACCESS_TOKEN", padding + cloud.access_token + padding)
    monkeypatch.setenv("U2C_SERVICE_URL", cloud.u2c_url)

    with CallHistoryClient() as client:
        assert client.get_call_history_data().ok

    assert tokens_seen(cloud) == [cloud.access_token]


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


def test_static_token_loses_its_white_space(cloud: Sandbox) -> None:
    """A token that was read from a file with its newline is sent without."""
    with cloud.webex(access_token=f" {cloud.access_token}\r\n") as webex:
        assert CallHistoryClient(webex).get_call_history_data().ok

    assert tokens_seen(cloud) == [cloud.access_token]


def test_source_gives_a_token_without_its_white_space(cloud: Sandbox) -> None:
    """What a function gives loses its white space, too."""
    with cloud.webex(access_token=lambda: f"{cloud.access_token}\n") as webex:
        assert CallHistoryClient(webex).get_call_history_data().ok

    assert tokens_seen(cloud) == [cloud.access_token]


BAD_TOKENS = [
    "Bearer sEcReT",
    "bearer\tsEcReT",
    "sEcReT\nX-Other: header",
    "sEcReT\x00",
    "sEcReT\x7f",
    "sEcReTé",
    "sEcReT\u2028x",
]


@pytest.mark.parametrize("token", BAD_TOKENS)
@pytest.mark.parametrize(
    "make",
    [
        CallHistoryClient,
        lambda token: Webex(access_token=token),
        StaticToken,
        lambda token: AskedToken(lambda: token).current(_no_form),
    ],
    ids=["client", "webex", "static", "asked"],
)
def test_what_no_token_holds_is_refused_unseen(make: Callable[[str], object], token: str) -> None:
    """A token that holds white space or the like is a ValueError that does not show it."""
    with pytest.raises(ValueError, match="without 'Bearer'") as caught:
        make(token)

    assert "sEcReT" not in f"{caught.value} {caught.value!r}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("token", BAD_TOKENS)
def test_bad_token_of_a_source_is_in_no_frame(cloud: Sandbox, token: str) -> None:
    """A bad token that a function gave is not among the variables of the error's frames."""
    client = CallHistoryClient(cloud.webex(access_token=Source(token, token)))

    error = failure_of(client.get_call_history_data)

    assert isinstance(error, ValueError)
    assert "sEcReT" not in shown_by(error)
    assert cloud.requests == ()


def test_bad_token_of_the_environment_is_in_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad token of the environment is refused at once, and is not in the error's frames."""
    monkeypatch.setenv("WEBEX_ACCESS_TOKEN", "Bearer sEcReT")

    error = failure_of(Webex)

    assert isinstance(error, ValueError)
    assert "sEcReT" not in shown_by(error)


@pytest.mark.parametrize("token", ["", "  \n"])
def test_empty_token_is_refused(token: str) -> None:
    """An empty text is not the environment's token, but a mistake."""
    with pytest.raises(ValueError, match="access_token: is empty"):
        CallHistoryClient(token)


@pytest.mark.parametrize("token", [5, b"bytes", 1.5, ["token"]])
def test_token_of_another_type_is_refused(token: object) -> None:
    """What is neither a text nor a function is a TypeError that names the type only."""
    with pytest.raises(TypeError, match=type(token).__name__) as caught:
        Webex(access_token=token)  # type: ignore[arg-type] # that is the point
    assert repr(token) not in str(caught.value)


def test_tokens_are_not_shown() -> None:
    """No repr of what holds a token shows it."""
    source = Source("sEcReT")
    asked = AskedToken(source)
    asked.current(_no_form)

    shown = (
        f"{Token('sEcReT', 1)!r} {StaticToken('sEcReT')!r} {asked!r} {asked.current(_no_form)!r}"
    )

    assert "sEcReT" not in shown


# --- a function that gives the token ---


def test_source_is_asked_at_first_need_and_once(cloud: Sandbox) -> None:
    """Making a client asks for no token; all its requests together ask once."""
    source = Source(cloud.access_token)
    client = CallHistoryClient(cloud.webex(access_token=source))
    assert source.asked == 0

    client.get_call_history_data()
    client.get_call_history_data()
    client.close()

    assert source.asked == 1


@pytest.mark.parametrize("nothing", [None, "", " \n"])
def test_source_without_a_token_is_an_authentication_error(
    cloud: Sandbox, nothing: str | None
) -> None:
    """A function that gives no token leaves nothing to try: an error, and no request."""
    client = CallHistoryClient(cloud.webex(access_token=Source(nothing)))

    with pytest.raises(AuthenticationError, match="gave none") as caught:
        client.get_call_history_data()

    assert caught.value.status_code == 401
    assert cloud.requests == ()


def test_source_that_gives_no_text_is_a_type_error(cloud: Sandbox) -> None:
    """A function that gives a number is a mistake of the program."""
    client = CallHistoryClient(cloud.webex(access_token=Source(12345678)))

    with pytest.raises(TypeError, match="access_token: expected a text, not int") as caught:
        client.get_call_history_data()

    assert "12345678" not in str(caught.value)
    assert cloud.requests == ()


def test_error_of_a_source_is_the_callers(cloud: Sandbox) -> None:
    """What the function raises comes out as it is, and the next call asks again."""
    source = Source(LookupError("the vault is shut"), cloud.access_token)
    client = CallHistoryClient(cloud.webex(access_token=source))

    with pytest.raises(LookupError, match="the vault is shut"):
        client.get_call_history_data()

    assert client.get_call_history_data().ok
    client.close()


# --- a token that Webex refuses ---


def test_refused_token_is_asked_for_anew_and_the_request_replayed(cloud: Sandbox) -> None:
    """At a 401 the function is asked again, and the request sent again with what it gives."""
    old = cloud.access_token
    source = Source(old)
    client = CallHistoryClient(cloud.webex(access_token=source))
    client.get_call_history_data()
    cloud.expire_token()
    new = source.tokens[0] = cloud.issue_token()
    cloud.forget_requests()

    assert client.get_call_history_data().ok
    assert tokens_seen(cloud) == [old, new]
    assert client.get_call_history_data().ok
    assert tokens_seen(cloud) == [old, new, new]
    assert source.asked == 2
    client.close()


def test_refused_write_is_replayed_with_its_body(cloud: Sandbox) -> None:
    """A write that met a 401 is sent again as it was, and takes effect."""
    source = Source(cloud.access_token)
    client = CallHistoryClient(cloud.webex(access_token=source))
    sessions = client.get_call_history_data()[:2]
    cloud.expire_token()
    source.tokens[0] = cloud.issue_token()

    assert client.delete_call_history_records(sessions).ok

    first, second = cloud.requests_to("/markAsDeleted")
    assert first.body == second.body
    assert not {s.session_id for s in sessions} & {
        s.session_id for s in client.get_call_history_data()
    }
    client.close()


@pytest.mark.parametrize("service", ["/catalog", "/devices", HISTORY])
def test_token_is_renewed_wherever_it_is_refused(cloud: Sandbox, service: str) -> None:
    """Catalog and device registration renew a refused token as the history does."""
    source = Source(cloud.access_token, cloud.issue_token())
    client = CallHistoryClient(cloud.webex(access_token=source))
    cloud.fail_next(service, status=401)

    assert client.get_call_history_data().ok
    assert source.asked == 2
    assert len(cloud.requests_to(service, "POST" if service == "/devices" else "GET")) == 2
    client.close()


def test_second_refusal_is_the_answer(cloud: Sandbox) -> None:
    """A request is replayed once: if the new token is refused as well, that is the answer."""
    source = Source(cloud.access_token, cloud.issue_token(), cloud.issue_token())
    client = CallHistoryClient(cloud.webex(access_token=source))
    cloud.fail_next(HISTORY, status=401, times=2)

    history = client.get_call_history_data()

    assert history.status_code == 401
    assert history.data.error == UNAUTHORIZED
    assert source.asked == 2
    assert len(cloud.requests_to(HISTORY)) == 2
    with pytest.raises(AuthenticationError, match=UNAUTHORIZED):
        history.raise_for_status()
    client.close()


def test_same_token_again_is_not_replayed(cloud: Sandbox) -> None:
    """A function that gives the refused token again is asked once, and nothing is replayed."""
    source = Source(cloud.access_token)
    client = CallHistoryClient(cloud.webex(access_token=source))
    cloud.fail_next(HISTORY, status=401)

    assert client.get_call_history_data().status_code == 401
    assert source.asked == 2
    assert len(cloud.requests_to(HISTORY)) == 1
    client.close()


def test_static_token_that_is_refused_is_the_answer(cloud: Sandbox) -> None:
    """There is nothing to renew a static token with: its 401 is returned, after one request."""
    cloud.expire_token()
    client = CallHistoryClient(cloud.webex())

    history = client.get_call_history_data()

    assert (history.status_code, history.data.error) == (401, UNAUTHORIZED)
    assert len(cloud.requests) == 1


@pytest.mark.parametrize("nothing", [None, "", "\n"])
def test_refusal_is_the_answer_when_no_other_token_is_had(
    cloud: Sandbox, nothing: str | None
) -> None:
    """If the function has no other token for a refused one, the 401 is the answer."""
    client = CallHistoryClient(cloud.webex(access_token=Source(cloud.access_token, nothing)))
    cloud.fail_next(HISTORY, status=401)

    assert client.get_call_history_data().status_code == 401
    assert len(cloud.requests_to(HISTORY)) == 1
    assert client.get_call_history_data().ok, "the token that it has is still tried"
    client.close()


def test_error_of_a_source_at_a_refusal_is_the_callers(cloud: Sandbox) -> None:
    """A function that breaks when it is asked again is not passed off as a 401."""
    source = Source(cloud.access_token, LookupError("the vault is shut"), cloud.access_token)
    client = CallHistoryClient(cloud.webex(access_token=source))
    cloud.fail_next(HISTORY, status=401)

    with pytest.raises(LookupError, match="the vault is shut"):
        client.get_call_history_data()

    assert client.get_call_history_data().ok
    client.close()


def test_environment_is_read_again_at_a_refusal(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that puts a new token into its environment needs no new client."""
    old = cloud.access_token
    monkeypatch.setenv("WEBEX_ACCESS_TOKEN", old)
    client = CallHistoryClient(Webex(u2c_url=cloud.u2c_url))
    client.get_call_history_data()
    cloud.expire_token()

    assert client.get_call_history_data().status_code == 401
    monkeypatch.delenv("WEBEX_ACCESS_TOKEN")
    assert client.get_call_history_data().status_code == 401
    monkeypatch.setenv("WEBEX_ACCESS_TOKEN", cloud.issue_token())
    assert client.get_call_history_data().ok
    client.close()


def test_threads_with_the_same_refusal_ask_once(cloud: Sandbox) -> None:
    """Eight threads that meet the same 401 ask for one new token, and all go on with it."""
    old, new = cloud.access_token, cloud.issue_token()
    source = Source(old, new)
    client = CallHistoryClient(cloud.webex(access_token=source))
    client.get_call_history_data()
    cloud.forget_requests()
    # All eight are under way before the first of them is answered.
    cloud.fail_next(HISTORY, status=401, times=8, delay=1)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get_call_history_data(), range(8)))

    assert [answer.status_code for answer in answers] == [200] * 8
    assert source.asked == 2
    assert tokens_seen(cloud) == [old] * 8 + [new] * 8
    client.close()
