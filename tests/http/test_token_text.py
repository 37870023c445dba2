"""TODO."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from callhistory import CallHistoryClient, Webex
from callhistory._http.token_source import AskedToken, StaticToken
from callhistory.sandbox import Sandbox
from tests.support.error_contents import failure_of, shown_by

HISTORY = "/history/userSessions"
UNAUTHORIZED = "User is unauthorised, possible token expiry"


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
