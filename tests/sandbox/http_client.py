"""A plain HTTP client of a sandbox."""

from __future__ import annotations

from typing import Any, Self

import requests

from callhistory._records.timestamps import epoch_ms, read_time
from callhistory.sandbox import Account, Sandbox

CATALOG = "/u2c/api/v1/catalog?format=hostmap"
DEVICE_BODY: dict[str, object] = {
    "name": "probe",
    "deviceType": "WEB",
    "model": "probe",
    "localizedModel": "probe",
    "systemName": "Linux",
    "systemVersion": "6",
}
Session = dict[str, Any]


class Http:
    """Sends requests with the token of one user, or with another one."""

    def __init__(
        self, cloud: Sandbox, user: Account | None = None, *, token: str | None = None
    ) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        token = token or (cloud.access_token if user is None else user.access_token)
        self._session.headers["Authorization"] = f"Bearer {token}"
        self.base = cloud.u2c_url.removesuffix("/u2c/api/v1")
        self.history = f"{self.base}/janus/api/v1/history/userSessions"
        self.devices = f"{self.base}/wdm/api/v1/devices"

    def __call__(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send a request to an address, or to a path of the sandbox."""
        where = url if "://" in url else self.base + url
        return self._session.request(method, where, **{"timeout": 5, **options})

    def status(self, method: str = "GET", url: str = CATALOG, **options: Any) -> int:
        """Return the status that answers a request."""
        return self(method, url, **options).status_code

    def sessions(self, **parameters: str) -> list[Session]:
        """Return the whole history, the latest session first."""
        query = {
            "from": "2000-01-01T00:00:00.000Z",
            "limit": "1000",
            "includeNewSessionTypes": "true",
            "includeSharedSessions": "true",
        }
        answer = self("GET", self.history, params=query | parameters)
        assert answer.status_code == 200, answer.text
        found: list[Session] = answer.json()["userSessions"]
        return found

    def mark(self, *pairs: object, **headers: str) -> requests.Response:
        """Mark sessions as read."""
        body = {"endTimeSessionIds": list(pairs)}
        return self("POST", f"{self.history}/setReadState", json=body, headers=headers)

    def delete(self, *pairs: object) -> requests.Response:
        """Delete sessions."""
        body = {"deleteSessionIds": list(pairs)}
        return self("POST", f"{self.history}/markAsDeleted", json=body)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()


def pair_of(session: Session) -> dict[str, Any]:
    """Return the end time and the id of a session, as the writes take them."""
    end_time = epoch_ms(read_time(session["endTime"]))
    return {"endTime": end_time, "sessionId": session["sessionId"]}
