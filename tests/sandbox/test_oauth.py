"""The refresh of access tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from callhistory.sandbox import Sandbox
from tests.sandbox.http_client import Http


def form_of(cloud: Sandbox) -> dict[str, str]:
    """Return the form that requests a new access token."""
    return {
        "grant_type": "refresh_token",
        "client_id": cloud.client_id,
        "client_secret": cloud.client_secret,
        "refresh_token": cloud.refresh_token,
    }


class TestTokens:
    """The refresh of tokens."""

    @pytest.fixture
    def form(self, cloud: Sandbox) -> dict[str, str]:
        return form_of(cloud)

    def test_refresh_gives_a_token_that_works(self, cloud: Sandbox, form: dict[str, str]) -> None:
        """A refresh issues a new access token, which becomes the current one."""
        before = cloud.access_token

        told = requests.post(cloud.token_url, data=form, timeout=5).json()

        assert told["access_token"] == cloud.access_token != before
        assert told["refresh_token"] == cloud.refresh_token
        assert told["expires_in"] > 0
        assert told["refresh_token_expires_in"] > told["expires_in"]
        assert _status(cloud, told["access_token"]) == 200

    def test_old_token_keeps_working(self, cloud: Sandbox, form: dict[str, str]) -> None:
        """A refresh leaves earlier tokens valid."""
        before = cloud.access_token

        requests.post(cloud.token_url, data=form, timeout=5)

        assert _status(cloud, before) == 200

    def test_refreshed_token_expires(self) -> None:
        """An access token that was refreshed is refused once its lifetime is over."""
        now = datetime(2026, 11, 20, 12, tzinfo=UTC)
        with Sandbox(token_lifetime=60, clock=lambda: now) as cloud:
            told = requests.post(cloud.token_url, data=form_of(cloud), timeout=5).json()
            assert told["expires_in"] == 60
            now += timedelta(seconds=59)
            assert _status(cloud, told["access_token"]) == 200
            now += timedelta(seconds=1)
            assert _status(cloud, told["access_token"]) == 401

    def test_refresh_token_can_rotate(self) -> None:
        """With rotation, a refresh token works once, and the answer contains the next one."""
        with Sandbox(rotate_refresh_tokens=True) as cloud:
            first = form_of(cloud)
            second = requests.post(cloud.token_url, data=first, timeout=5).json()["refresh_token"]

            assert second == cloud.refresh_token != first["refresh_token"]
            assert requests.post(cloud.token_url, data=first, timeout=5).status_code == 400
            again = requests.post(cloud.token_url, data=form_of(cloud), timeout=5)
            assert again.status_code == 200

    @pytest.mark.parametrize("lifetime", [0, -1, float("nan")])
    def test_lifetime_must_be_one(self, lifetime: float) -> None:
        """A lifetime that is not positive is refused."""
        with pytest.raises(ValueError, match="token_lifetime"):
            Sandbox(token_lifetime=lifetime)

    @pytest.mark.parametrize(
        ("field", "value", "status"),
        [
            ("client_id", "wrong", 401),
            ("client_secret", "wrong", 401),
            ("refresh_token", "wrong", 400),
            ("grant_type", "authorization_code", 400),
            ("client_id", None, 400),
            ("client_secret", None, 400),
            ("refresh_token", None, 400),
            ("grant_type", None, 400),
        ],
    )
    def test_wrong_field_is_refused(
        self, cloud: Sandbox, form: dict[str, str], field: str, value: str | None, status: int
    ) -> None:
        """A wrong or missing field is refused by its name, and no token is issued."""
        before = cloud.access_token

        answer = requests.post(cloud.token_url, data=form | {field: value}, timeout=5)

        assert answer.status_code == status
        assert field in answer.json()["message"]
        assert cloud.access_token == before

    def test_json_is_refused(self, cloud: Sandbox, form: dict[str, str]) -> None:
        """Fields that are not sent as a form are refused."""
        assert requests.post(cloud.token_url, json=form, timeout=5).status_code == 400

    def test_refreshes_the_user_of_the_refresh_token(
        self, cloud: Sandbox, form: dict[str, str]
    ) -> None:
        """Every user has a refresh token of their own."""
        other = cloud.add_user("Wilma Berg")

        form["refresh_token"] = other.refresh_token
        told = requests.post(cloud.token_url, data=form, timeout=5).json()

        assert told["access_token"] == other.access_token
        assert told["access_token"] != cloud.access_token


def _status(cloud: Sandbox, token: str) -> int:
    with Http(cloud, token=token) as http:
        return http.status()
