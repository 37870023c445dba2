"""The lines of a user on Unified CM, whose numbers call sessions have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from attrs import evolve

from .._errors import CallHistoryError
from .._logging import log
from .._records.strict_json import read_json

if TYPE_CHECKING:
    from .._http.session import Session
    from .account import Account


class UcmLines:
    """The lines of a user, which are requested when the first of them is looked up.

    A history is useful without line numbers: failures are logged, and nothing is raised.

    Args:
        account: the owner of the lines.
        http: sends the request.
    """

    def __init__(self, account: Account, http: Session) -> None:
        self._account = account
        self._http = http
        self._indexes: dict[str, int] | None = None

    def number(self, directory_number: str) -> int | None:
        """Return the number of a line among the user's, if it is known."""
        if self._indexes is None:
            self._indexes = self._fetch()
        return self._indexes.get(directory_number)

    def _fetch(self) -> dict[str, int]:
        try:
            return _fetch_indexes(self._account, self._http)
        except CallHistoryError as error:
            log.warning("no line numbers: %s", error)
        except Exception as error:  # noqa: BLE001 - such as one from the user's token function
            log.warning("no line numbers: %s", type(error).__name__)
        return {}


def _fetch_indexes(account: Account, http: Session) -> dict[str, int]:
    gateway = account.catalog(http).link("ucmgmt-gateway")
    device = account.device(http)
    if device.user_id is None:
        log.warning("no line numbers: Webex did not name the owner of this program's device")
        return {}
    # The page waits for this request, so it is retried once at most.
    policy = evolve(http.policy, retries=min(1, http.policy.retries))
    response = http.with_policy(policy).request(
        "GET",
        f"{gateway}/v1/uc/config/people/{quote(device.user_id, safe='')}/lines",
        params={} if device.org_id is None else {"orgId": device.org_id},
        headers=account.device_header(),
    )
    response.raise_for_status()
    indexes = {}
    for phone in _items(read_json(response.body), "devices"):
        for line in _items(phone, "lines"):
            pattern, index = line.get("dnorpattern"), line.get("index")
            if isinstance(pattern, str) and type(index) is int:
                indexes[pattern] = index
    return indexes


def _items(parent: Any, name: str) -> list[dict[str, Any]]:
    items = parent.get(name) if isinstance(parent, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
