"""This program as a device (WDM): registered at first need, refreshed, and deleted at the end."""

from __future__ import annotations

import math
import platform
import threading
from typing import Any

from attrs import evolve, frozen

from .._clock import steady
from .._concurrency import SingleFlight, TooLate, start_throttle
from .._errors import CallHistoryError, DecodeError
from .._http.session import Session
from .._http.trusted_hosts import TrustedHosts
from .._limits import Limits
from .._logging import log
from .._records.enums import CallingBackend
from .._records.json_types import json_type, type_at
from .._records.strict_json import read_json
from .calling_backend import calling_backend

# Webex forgets a device after this many seconds, unless it is refreshed.
DEVICE_TTL = 1800
EXCESSIVE = b"excessive device registrations"

_UPSTREAM = {"includeUpstreamServices": "all"}


@frozen(kw_only=True, repr=False, eq=False)
class Device:
    """A registered device.

    Attributes:
        url: the address of the device, where it is refreshed and deleted.
        websocket_url: the address of its live events.
        user_id: the id of its owner.
        org_id: the id of the owner's organization.
        backend: the owner's calling backend; ``None`` when it is not known.
        etag: the version of the registration.
    """

    url: str
    websocket_url: str | None
    user_id: str | None
    org_id: str | None
    backend: CallingBackend | None
    etag: str | None


class Registration:
    """The registration of one device. Any thread may use it.

    Args:
        hosts: the hosts that the token may be sent to.
        limits: how long a request waits for its turn.
    """

    def __init__(self, hosts: TrustedHosts, limits: Limits) -> None:
        self._hosts = hosts
        self._limits = limits
        self._device: SingleFlight[Device] = SingleFlight()
        self._expires = math.inf  # by the steady clock

    @property
    def url(self) -> str | None:
        """The device's address, if there is a device that Webex has not forgotten."""
        device = self._device.peek()
        return device.url if device and steady() < self._expires else None

    def get(self, http: Session, service: str) -> Device:
        """Return the device, after registering it if there is none.

        Args:
            http: sends the request.
            service: the address of the device service.

        Raises:
            ApiError: Webex refused the request.
            CallHistoryError: there was no response, or not one that Webex sends.
            RuntimeError: it was closed while the device was being registered; the device is
                deleted.
        """
        try:
            return self._device.get(lambda: self._register(http, service), http.closed)
        except TooLate as late:
            device: Device = late.value
        delete_device(device, goodbye_session(http))
        raise RuntimeError("closed while the device was being registered")

    def refresh(self, http: Session) -> Device | None:
        """Refresh the device and return it; ``None`` if there is none, or Webex has forgotten it.

        Raises:
            ApiError: Webex refused the request.
            CallHistoryError: there was no response, or not one that Webex sends.
        """
        device = self._device.peek()
        if device is None:
            return None
        headers = {} if device.etag is None else {"If-None-Match": device.etag}
        with start_throttle.turn(self._limits.throttle_wait):
            response = http.request(
                "PUT", device.url, params=_UPSTREAM, body=_description(), headers=headers
            )
        if response.status_code in (404, 410):
            self._device.replace(device, None)
            return None
        if response.status_code != 304:
            response.raise_for_status()
            refreshed = _read_device(response.body, response.etag, self._hosts)
            self._device.replace(device, refreshed)
            device = refreshed
        self._expires = steady() + DEVICE_TTL
        return device

    def take(self) -> Device | None:
        """Return the device if there is one, and forget it."""
        return self._device.take()

    def _register(self, http: Session, service: str) -> Device:
        with start_throttle.turn(self._limits.throttle_wait), http.last_moment():
            response = http.request(
                "POST", f"{service}/devices", params=_UPSTREAM, body=_description()
            )
        if not response.ok and EXCESSIVE in response.body:
            log.warning(
                "Webex has too many devices for this user: programs that end without close() "
                "leave theirs behind until they expire"
            )
        response.raise_for_status()
        device = _read_device(response.body, response.etag, self._hosts)
        self._expires = steady() + DEVICE_TTL
        return device


def _description() -> dict[str, Any]:
    """Return the description of this program for a registration."""
    return {
        "name": "callhistory",
        "deviceType": "WEB",
        "model": "callhistory for Python",
        "localizedModel": "callhistory for Python",
        "systemName": platform.system() or "unknown",
        "systemVersion": platform.release() or "unknown",
        "ttl": DEVICE_TTL,
    }


def _read_device(body: bytes, etag: str | None, hosts: TrustedHosts) -> Device:
    """Read the device in the response to a registration or a refresh.

    Raises:
        DecodeError: the response is not a device, or its address must not see the token.
    """
    document = read_json(body)
    if not isinstance(document, dict):
        raise DecodeError("$", "an object", json_type(document))
    url = document.get("url")
    if not isinstance(url, str):
        raise DecodeError("url", "an address", type_at(document, "url"))
    if hosts.objection(url) is not None:
        raise DecodeError("url", "an address of Webex", "one that must not see the token")
    return Device(
        url=url,
        websocket_url=_text(document, "webSocketUrl"),
        user_id=_text(document, "userId"),
        org_id=_text(document, "orgId"),
        backend=calling_backend(document),
        etag=etag,
    )


def _text(document: dict[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None


def goodbye_session(http: Session) -> Session:
    """Return a session that deletes a device in one short attempt, after ``http`` is closed."""
    limits = http.policy.limits
    return http.successor(
        evolve(http.policy, connect=limits.goodbye / 2, read=limits.goodbye / 2, retries=0)
    )


def say_goodbye(device: Device, http: Session) -> None:
    """Delete a device within a few seconds, after ``http`` is closed."""
    successor = goodbye_session(http)
    # A name lookup has no timeout, but the wait for a thread has.
    goodbye = threading.Thread(
        target=delete_device, args=(device, successor), name="callhistory-goodbye", daemon=True
    )
    try:
        goodbye.start()
        goodbye.join(http.policy.limits.goodbye)
    except RuntimeError:  # the interpreter is ending, and starts no more threads
        delete_device(device, successor)


def delete_device(device: Device, http: Session) -> None:
    """Delete a device, and close ``http``. A failure is only logged: a device expires by itself.

    Args:
        device: the device.
        http: sends the request.
    """
    problem = ""
    try:
        response = http.request("DELETE", device.url)
        if not response.ok and response.status_code != 404:
            problem = str(response.status_code)
    except CallHistoryError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - such as one from the user's token function
        problem = type(error).__name__
    finally:
        http.close()
    if problem:
        log.info("this program's device was not deleted; it expires: %s", problem)
