"""A user's calling backend: Webex Calling, BroadWorks or Unified CM."""

from __future__ import annotations

from typing import Any

from .._records.enums import CallingBackend

_BACKENDS_BY_ENTITLEMENT = {
    "bc-sp-basic": CallingBackend.WEBEX_CALLING,
    "bc-sp-standard": CallingBackend.WEBEX_CALLING,
    "broadworks-connector": CallingBackend.BROADWORKS_CALLING,
}


def calling_backend(document: dict[str, Any]) -> CallingBackend | None:
    """Return the backend that a device registration implies; ``None`` when it implies none.

    Between Webex Calling and BroadWorks, the first known entitlement decides.

    Args:
        document: Webex's response to the registration.
    """
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
