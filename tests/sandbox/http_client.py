"""A plain HTTP client of a sandbox."""

from __future__ import annotations

from typing import Any, Self

import requests

from callhistory.sandbox import Account, Sandbox


class Http:
    """Sends requests with the token of one user."""

    def __init__(self, cloud: Sandbox, user: Account | None = None) -> None:
        token = cloud.access_token if user is None else user.access_token
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"
        self.base = cloud.u2c_url.removesuffix("/u2c/api/v1")
        self.history = f"{self.base}/janus/api/v1/history/userSessions"
        self.devices = f"{self.base}/wdm/api/v1/devices"

    def __call__(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send a request to an address, or to a path of the sandbox."""
        where = url if "://" in url else self.base + url
        return self._session.request(method, where, **{"timeout": 5, **options})

    def sessions(self, **parameters: str) -> list[dict[str, Any]]:
        """Fetch the whole history, the latest first."""
        asked = {
            "from": "2000-01-01T00:00:00.000Z",
            "limit": "1000",
            "includeNewSessionTypes": "true",
            "includeSharedSessions": "true",
        }
        answer = self("GET", self.history, params=asked | parameters)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["userSessions"]
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()
