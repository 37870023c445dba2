"""The line numbers of a user on Unified CM, put on the sessions that they belong to."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from .._errors import CallHistoryError
from .._http.response import Refused
from .._http.session import Transport
from .._records.strict_json import read_json
from .account import Webex

log = logging.getLogger(__name__)


def number_lines(webex: Webex, sessions: list[Any], transport: Transport | None = None) -> None:
    """Put ``ucmLineNumber`` on each session, as it came off the wire, whose line is known.

    A history is worth having without: whatever goes wrong is logged, and nothing is raised.
    """
    own_sides = [side for session in sessions if (side := _side_with_line(session))]
    if not own_sides:
        return
    try:
        indexes = _fetch_indexes(webex, transport)
    except Refused as refused:
        log.warning("no line numbers: Webex answered %d", refused.answer.status_code)
        return
    except CallHistoryError as error:
        log.warning("no line numbers: %s", error)
        return
    except Exception as error:  # noqa: BLE001 - such as one of the function that gives the token
        log.warning("no line numbers: %s", type(error).__name__)
        return
    for side in own_sides:
        if side["cucmDN"] in indexes:
            side["ucmLineNumber"] = indexes[side["cucmDN"]]


def _side_with_line(session: Any) -> dict[str, Any] | None:
    side = session.get("self") if isinstance(session, dict) else None
    number = side.get("cucmDN") if isinstance(side, dict) else None
    return side if isinstance(number, str) and number else None


def _fetch_indexes(webex: Webex, transport: Transport | None) -> dict[str, int]:
    device = webex.device(transport)
    if device.user_id is None:
        log.warning("no line numbers: Webex did not say whose this program's device is")
        return {}
    answer = webex.request(
        "GET",
        "ucmgmt-gateway",
        f"/v1/uc/config/people/{quote(device.user_id, safe='')}/lines",
        params={} if device.org_id is None else {"orgId": device.org_id},
        transport=transport,
        most_retries=1,  # the page waits for it
    )
    if not answer.ok:
        raise Refused(answer)
    indexes = {}
    for owned in _items(read_json(answer.body), "devices"):
        for line in _items(owned, "lines"):
            pattern, index = line.get("dnorpattern"), line.get("index")
            if isinstance(pattern, str) and type(index) is int:
                indexes[pattern] = index
    return indexes


def _items(parent: Any, name: str) -> list[dict[str, Any]]:
    items = parent.get(name) if isinstance(parent, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
