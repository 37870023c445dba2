"""A token that Webex refuses while live events are heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from callhistory import AuthenticationError, TokenRefusedError, signals
from callhistory.sandbox import Sandbox
from tests.support.listening_clients import ONLINE, listening, offline


@attrs.define
class Tokens:
    """A function for the token that returns another one each time."""

    cloud: Sandbox
    given: list[str] = attrs.field(factory=list)

    def __call__(self) -> str:
        self.given.append(self.cloud.issue_token())
        return self.given[-1]

    def sent(self) -> list[str]:
        """Return the tokens that connections were authorized with."""
        frames = self.cloud.frames_of("authorization", direction="received")
        return [frame.json["data"]["token"].removeprefix("Bearer ") for frame in frames]


@pytest.mark.parametrize(
    ("code", "reason"),
    [(4401, "not authorized"), (1008, "Authentication failed"), (1008, "token expired")],
)
def test_refused_token_is_renewed(cloud: Sandbox, code: int, reason: str) -> None:
    """When Webex refuses the token, the function for it is called once more, and its token used."""
    tokens = Tokens(cloud)
    with listening(cloud, access_token=tokens) as (_, heard):
        cloud.close_connections(code, reason)

        heard.wait_for(signals.Online, 2)
        assert heard.states == [ONLINE, offline(code, reason), ONLINE]
        assert len(tokens.given) == 2
        assert tokens.sent() == tokens.given


def test_upgrade_refused_with_401_is_a_refused_token(cloud: Sandbox) -> None:
    """A 401 at the upgrade makes the client ask for another token as well."""
    tokens = Tokens(cloud)
    cloud.fail_upgrades(status=401)
    with listening(cloud, access_token=tokens):
        assert len(tokens.given) == 2
        assert tokens.sent() == tokens.given[1:]


def refused_for_good(client: Any) -> TokenRefusedError:
    with pytest.raises(AuthenticationError) as raised:
        client.wait(10)
    assert isinstance(raised.value, TokenRefusedError)
    assert not client.listening
    return raised.value


def test_second_refusal_in_a_row_is_for_good(cloud: Sandbox) -> None:
    """A second refusal, without an accepted connection in between, is permanent."""
    tokens = Tokens(cloud)
    with listening(cloud, access_token=tokens) as (client, heard):
        cloud.fail_authorizations(4401, "never", times=10)
        cloud.close_connections(4401, "not authorized")

        error = refused_for_good(client)
        assert (error.code, error.reason, error.status_code) == (4401, "never", 401)
        assert len(tokens.given) == 2
        assert len(cloud.attempts) == 2
        heard.wait_for(signals.Offline, 2)
        assert heard.states == [
            ONLINE,
            offline(4401, "not authorized"),
            offline(4401, "never", reconnecting=False),
        ]


@pytest.mark.parametrize("give", [lambda token: token, lambda _: None], ids=["the same", "none"])
def test_refused_token_without_another_is_for_good(
    cloud: Sandbox, give: Callable[[str], str | None]
) -> None:
    """When there is no other token, the refused one is not sent again."""
    first = cloud.access_token
    answers: list[str | None] = [first, give(first)]
    with listening(cloud, access_token=lambda: answers.pop(0)) as (client, _):
        cloud.close_connections(4401, "not authorized")

        assert refused_for_good(client).code == 4401
        assert len(cloud.attempts) == 1


def test_refused_static_token_is_for_good(cloud: Sandbox) -> None:
    """A token that was passed as such has no successor."""
    with listening(cloud) as (client, heard):
        cloud.close_connections(4401, "not authorized")

        error = refused_for_good(client)
        assert (error.code, error.reason) == (4401, "not authorized")
        assert len(cloud.attempts) == 1
        heard.wait_for(signals.Offline, 2)
        assert [state.reconnecting for state in heard.of(signals.Offline)] == [True, False]


def test_renewal_that_fails_is_tried_again(cloud: Sandbox) -> None:
    """A function for the token that fails is called again until it returns one."""
    tokens = Tokens(cloud)
    failures: list[BaseException] = []

    def source() -> str:
        if failures:
            raise failures.pop()
        return tokens()

    with listening(cloud, access_token=source) as (_, heard):
        failures += [OSError(), SystemExit(), RuntimeError()]
        cloud.close_connections(4401, "not authorized")

        heard.wait_for(signals.Online, 2)
        assert tokens.sent() == tokens.given
        assert len(tokens.given) == 2
