"""This program as a device (WDM): what it says of itself, and what Webex answers."""

from __future__ import annotations

import platform
from typing import Any

from attrs import frozen

from .._errors import DecodeError
from .._http.trusted_hosts import Hosts
from .._records.enums import CallingBackend
from .._records.strict_json import json_type, read_json, type_at

# Webex forgets a device after this many seconds, unless it is refreshed.
DEVICE_TTL = 1800
EXCESSIVE = b"excessive device registrations"

_BACKENDS_BY_ENTITLEMENT = {
    "bc-sp-basic": CallingBackend.WEBEX_CALLING,
    "bc-sp-standard": CallingBackend.WEBEX_CALLING,
    "broadworks-connector": CallingBackend.BROADWORKS_CALLING,
}


@frozen(kw_only=True)
class Device:
    """A registered device.

    Attributes:
        url: its own address: where it is refreshed and deleted.
        websocket_url: where its live events come from.
        user_id: whose it is.
        org_id: their organization.
        backend: what their calls run on; ``None`` when Webex does not say.
        etag: the version of the registration.
    """

    url: str
    websocket_url: str | None
    user_id: str | None
    org_id: str | None
    backend: CallingBackend | None
    etag: str | None


def description() -> dict[str, Any]:
    """Describe this program, for its registration."""
    return {
        "name": "callhistory",
        "deviceType": "WEB",
        "model": "callhistory for Python",
        "localizedModel": "callhistory for Python",
        "systemName": platform.system() or "unknown",
        "systemVersion": platform.release() or "unknown",
        "ttl": DEVICE_TTL,
    }


def read_device(body: bytes, etag: str | None, hosts: Hosts) -> Device:
    """Read what Webex answers to a registration or a refresh.

    Raises:
        DecodeError: it is none, or its address is not one of Webex's.
    """
    document = read_json(body)
    if not isinstance(document, dict):
        raise DecodeError("$", "an object", json_type(document))
    url = document.get("url")
    if not isinstance(url, str):
        raise DecodeError("url", "an address", type_at(document, "url"))
    if hosts.objection(url) is not None:
        raise DecodeError("url", "an address of Webex", "one that may not see the token")
    return Device(
        url=url,
        websocket_url=_text(document, "webSocketUrl"),
        user_id=_text(document, "userId"),
        org_id=_text(document, "orgId"),
        backend=_backend(document),
        etag=etag,
    )


def _text(document: dict[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None


def _backend(document: dict[str, Any]) -> CallingBackend | None:
    behavior = document.get("callingBehavior")
    if behavior == "NATIVE_SIP_CALL_TO_UCM":
        return CallingBackend.UCM_CALLING
    if behavior != "NATIVE_WEBEX_TEAMS_CALLING":
        return None
    features = document.get("features")
    entitlements = features.get("entitlement") if isinstance(features, dict) else None
    for entitlement in entitlements if isinstance(entitlements, list) else ():
        key = entitlement.get("key") if isinstance(entitlement, dict) else None
        if isinstance(key, str) and key in _BACKENDS_BY_ENTITLEMENT:
            return _BACKENDS_BY_ENTITLEMENT[key]
    return None
