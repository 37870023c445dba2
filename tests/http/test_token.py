"""What a token may look like; one that cannot be one is refused without being shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from callhistory import CallHistoryClient, Webex
from callhistory.sandbox import Sandbox
from tests.support.error_contents import shown_by
from tests.support.tokens import tokens_seen

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
        lambda token: CallHistoryClient(lambda: token).get_call_history_data(),
    ],
    ids=["client", "webex", "asked"],
)
def test_what_no_token_holds_is_refused_unseen(make: Callable[[str], object], token: str) -> None:
    """A token that holds white space or the like is a ValueError that does not show it."""
    with pytest.raises(ValueError, match="without 'Bearer'") as caught:
        make(token)

    assert "sEcReT" not in shown_by(caught.value.with_traceback(None))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


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


@pytest.mark.parametrize("padding", [" ", "\n", "\t \r\n"])
@pytest.mark.parametrize("source", ["given", "asked", "environment"])
def test_token_loses_the_white_space_at_its_ends(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch, padding: str, source: str
) -> None:
    """A token that was read from a file with its newline is sent without, wherever it is from."""
    token = f" {cloud.access_token}{padding}"
    if source == "environment":
        monkeypatch.setenv("WEBEX_ACCESS_TOKEN", token)
    given: dict[str, Any] = {"given": token, "asked": lambda: token}
    with Webex(access_token=given.get(source), u2c_url=cloud.u2c_url) as webex:
        assert CallHistoryClient(webex).get_call_history_data().ok

    assert tokens_seen(cloud) == [cloud.access_token]
