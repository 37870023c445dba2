"""Tokens for tests: a function that returns them, a client that refreshes them, what was sent."""

from __future__ import annotations

from typing import Any

from callhistory import CallHistoryClient
from callhistory.sandbox import Sandbox


class TokenFunction:
    """Returns or raises one token after the other, the last one for ever.

    Attributes:
        tokens: what is still to come.
        asked: how often it was called.
    """

    def __init__(self, *tokens: object) -> None:
        self.tokens = list(tokens)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        if isinstance(token, Exception):
            raise token
        return token  # type: ignore[return-value] # some of them are no tokens


class NothingToSend:
    """Sends no form: a test that needs one fails."""

    def send_form(self, form: object) -> Any:
        """Fail."""
        raise AssertionError(f"nothing is to be sent: {form}")


def refreshing(cloud: Sandbox, **options: Any) -> CallHistoryClient:
    """Return a client whose token can be refreshed."""
    usual = {"refresh_token": cloud.refresh_token, "access_token": cloud.access_token}
    return CallHistoryClient(cloud.webex(**(usual | options)))


def refreshes(cloud: Sandbox) -> int:
    """Return how often a token was asked for."""
    return len(cloud.requests_to("/access_token", "POST"))


def tokens_seen(cloud: Sandbox) -> list[str]:
    """Return the tokens that history requests came with."""
    return [
        request.headers["Authorization"].removeprefix("Bearer ")
        for request in cloud.requests_to("/history/userSessions")
    ]
