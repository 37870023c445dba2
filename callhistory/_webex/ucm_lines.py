"""The line numbers of a user on Unified CM, added to the call sessions."""

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


def number_lines(account: Account, http: Session, sessions: list[Any]) -> None:
    """Add ``ucmLineNumber`` to each call session whose line is known.

    A history is useful without line numbers: failures are logged, and nothing is raised.

    Args:
        account: the owner of the lines.
        http: sends the request.
        sessions: the call sessions, as JSON; they are changed in place.
    """
    sides = [side for each in sessions if (side := _side_with_line(each))]
    if not sides:
        return
    try:
        indexes = _fetch_indexes(account, http)
    except CallHistoryError as error:
        log.warning("no line numbers: %s", error)
        return
    except Exception as error:  # noqa: BLE001 - such as one from the user's token function
        log.warning("no line numbers: %s", type(error).__name__)
        return
    for side in sides:
        if side["cucmDN"] in indexes:
            side["ucmLineNumber"] = indexes[side["cucmDN"]]


def _side_with_line(session: Any) -> dict[str, Any] | None:
    side = session.get("self") if isinstance(session, dict) else None
    number = side.get("cucmDN") if isinstance(side, dict) else None
    return side if isinstance(number, str) and number else None


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
