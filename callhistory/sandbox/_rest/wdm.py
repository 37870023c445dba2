"""WDM: the registration of devices."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest, NotFound

from callhistory._records.timestamps import write_time
from callhistory.sandbox._rest.answers import caller, json_body, refusal
from callhistory.sandbox._world.addresses import WDM
from callhistory.sandbox._world.devices import Device, ExcessiveDevicesError, RegistrationError
from callhistory.sandbox._world.organization import Organization

# Clients recognize the calling backend by its behavior and entitlements.
_BEHAVIORS = {
    "WEBEX_CALLING": ("NATIVE_WEBEX_TEAMS_CALLING", ("basic", "bc-sp-standard")),
    "BROADWORKS_CALLING": ("NATIVE_WEBEX_TEAMS_CALLING", ("basic", "broadworks-connector")),
    "UCM_CALLING": ("NATIVE_SIP_CALL_TO_UCM", ("basic",)),
}


def wdm(organization: Organization) -> Blueprint:
    """Return the routes of the device registration."""
    routes = Blueprint("wdm", __name__, url_prefix=WDM)
    devices = organization.devices

    @routes.post("/devices")
    def register() -> Response:
        try:
            device = devices.register(caller().id, json_body())
        except RegistrationError as error:
            raise BadRequest(str(error)) from None
        except ExcessiveDevicesError:
            # The JavaScript SDK compares the whole message.
            return refusal(403, "User has excessive device registrations")
        return _answer(organization, device)

    @routes.get("/devices")
    def list_devices() -> Response:
        present = devices.of(caller().id)
        return jsonify(devices=[_to_wire(organization, device) for device in present])

    @routes.put("/devices/<uuid:device_id>")
    def refresh(device_id: object) -> Response:
        try:
            body = json_body() if request.get_data() else {}
            device = devices.refresh(url(), caller().id, body)
        except RegistrationError as error:
            raise BadRequest(str(error)) from None
        if device is None:
            raise _gone()
        return _answer(organization, device)

    @routes.get("/devices/<uuid:device_id>")
    def show(device_id: object) -> Response:
        device = devices.find(url(), caller().id)
        if device is None:
            raise _gone()
        return _answer(organization, device)

    @routes.delete("/devices/<uuid:device_id>")
    def unregister(device_id: object) -> Response:
        if not devices.delete(url(), caller().id):
            raise _gone()
        return Response(status=204)

    def url() -> str:
        return organization.addresses.http(request.path)

    return routes


def _gone() -> NotFound:
    return NotFound("There is no such device")


def _to_wire(organization: Organization, device: Device) -> dict[str, Any]:
    behavior, entitlements = _BEHAVIORS[organization.options.backend]
    modified = write_time(device.modified_at)
    return {
        **device.body,
        "url": device.url,
        "webSocketUrl": device.web_socket_url,
        "userId": device.user_id,
        "modificationTime": modified,
        "orgId": organization.org_id,
        "callingBehavior": behavior,
        "features": {
            "developer": [],
            "entitlement": [
                {
                    "key": key,
                    "val": "true",
                    "type": "ENTITLEMENT",
                    "mutable": False,
                    "lastModified": modified,
                }
                for key in entitlements
            ],
            "user": [],
        },
        "services": {},
        "serviceHostMap": organization.addresses.catalog(),
    }


def _answer(organization: Organization, device: Device) -> Response:
    written = _to_wire(organization, device)
    answer = jsonify(written)
    digest = hashlib.sha256(json.dumps(written["features"]).encode()).hexdigest()
    answer.set_etag(digest[:32])
    return answer
