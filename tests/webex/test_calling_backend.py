"""What a user's calls run on."""

from __future__ import annotations

from typing import Any

import pytest

from callhistory import CallHistoryClient, CallingBackend
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"


def entitled(*keys: object) -> dict[str, Any]:
    features = {"entitlement": [{"key": key, "val": "true"} for key in keys]}
    return {"callingBehavior": "NATIVE_WEBEX_TEAMS_CALLING", "features": features}


WEBEX, BROADWORKS = CallingBackend.WEBEX_CALLING, CallingBackend.BROADWORKS_CALLING


@pytest.mark.parametrize(
    ("said", "backend"),
    [
        (entitled("bc-sp-basic"), WEBEX),
        (entitled("broadworks-connector"), BROADWORKS),
        (entitled("other", "broadworks-connector", "bc-sp-basic"), BROADWORKS),
        (entitled("bc-sp-standard", "broadworks-connector"), WEBEX),
        (entitled("other"), None),
        (entitled(5, None, ["bc-sp-basic"], "bc-sp-basic"), WEBEX),
        ({"callingBehavior": "NATIVE_SIP_CALL_TO_UCM"}, CallingBackend.UCM_CALLING),
        ({**entitled("bc-sp-basic"), "callingBehavior": "NATIVE_SIP_CALL_TO_UCM"}, "UCM_CALLING"),
        ({**entitled("bc-sp-basic"), "callingBehavior": "OTHER"}, None),
        ({**entitled("bc-sp-basic"), "callingBehavior": None}, None),
        ({**entitled(), "features": []}, None),
        ({**entitled(), "features": {"entitlement": "bc-sp-basic"}}, None),
        ({**entitled(), "features": {"entitlement": {"key": "bc-sp-basic"}}}, None),
        ({**entitled(), "features": {"entitlement": ["bc-sp-basic", None]}}, None),
        ({}, None),
    ],
)
def test_backend_is_the_devices(cloud: Sandbox, said: dict[str, Any], backend: str | None) -> None:
    """The first entitlement that names a backend decides; what is unclear is unknown."""
    url = f"{cloud.u2c_url}/devices/1"
    cloud.fail_next("/devices", method="POST", body={"url": url, **said})

    with cloud.webex() as webex, CallHistoryClient(webex) as client:
        assert webex._account.origin(client._http)[0] == backend
        assert client.get_call_history_data().ok, "a history is had without knowing it"

    (request,) = cloud.requests_to(HISTORY)
    assert request.query.get("includeSharedSessions") == ("true" if backend == WEBEX else None)
